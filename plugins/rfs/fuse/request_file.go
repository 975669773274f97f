package fuse

import "golang.org/x/sys/unix"

// OpenRequest asks to open the file Node with the Flags of open(2), O_CREAT and
// O_EXCL excepted. KillSuidgid goes with O_TRUNC.
type OpenRequest struct {
	OpenedRequest
	Flags       uint32
	KillSuidgid bool
}

// ReadRequest asks for Size bytes at Offset. A shorter answer means the end of
// the file. Flags are those of open(2).
type ReadRequest struct {
	Request
	Handle    HandleID
	Offset    int64
	Size      int
	Flags     uint32
	LockOwner uint64
}

// Buffer returns page-aligned memory of Size bytes for the answer. It belongs
// to the request until it is answered; further calls return the same memory.
// It returns nil once the request was answered.
func (r ReadRequest) Buffer() []byte {
	if !r.open() {
		return nil
	}
	return r.slot.buffer(r.Size)
}

// Reply answers with data, at most Size bytes.
func (r ReadRequest) Reply(data []byte) error {
	if len(data) > r.Size {
		return r.ReplyError(unix.EIO)
	}
	if !r.claim() {
		return ErrReplied
	}
	return r.sendData(data)
}

// WriteRequest asks to write Data at Offset. The package comment says for how
// long Data is valid. FromCache marks a write from the page cache, whose
// Handle and caller are a guess. KillSuidgid asks to drop set-id bits as
// write(2) does. Flags are those of open(2).
type WriteRequest struct {
	Request
	Handle      HandleID
	Offset      int64
	Data        []byte
	Flags       uint32
	LockOwner   uint64
	FromCache   bool
	KillSuidgid bool
}

// Reply answers that the first n bytes were written.
func (r WriteRequest) Reply(n int) error {
	if n < 0 || n > len(r.Data) {
		return r.ReplyError(unix.EIO)
	}
	if !r.claim() {
		return ErrReplied
	}
	b := r.body(8)
	putU32(b, 0, uint32(n))
	putU32(b, 4, 0)
	return r.sendBody(8)
}

// Retain keeps Data valid after the answer, until Release. It must be called
// before the answer, once; later calls return ErrReplied.
func (r WriteRequest) Retain() error {
	if !r.open() || !r.slot.kept.CompareAndSwap(0, r.Unique) {
		return ErrReplied
	}
	r.slot.refs.Add(1)
	return nil
}

// Release gives back what Retain kept. A second call returns ErrReplied.
func (r WriteRequest) Release() error {
	if r.slot == nil || !r.slot.kept.CompareAndSwap(r.Unique, 0) {
		return ErrReplied
	}
	r.slot.unref()
	return nil
}

// FlushRequest is sent for each close of a descriptor of Handle.
type FlushRequest struct {
	AckRequest
	Handle    HandleID
	LockOwner uint64
}

// ReleaseRequest says that nobody uses Handle any more.
type ReleaseRequest struct {
	AckRequest
	Handle HandleID
	Flags  uint32
}

// FsyncRequest asks to make the file durable; its data only when DataOnly.
type FsyncRequest struct {
	AckRequest
	Handle   HandleID
	DataOnly bool
}

// FallocateRequest is fallocate(2) with its Mode.
type FallocateRequest struct {
	AckRequest
	Handle         HandleID
	Offset, Length int64
	Mode           uint32
}

// CopyFileRangeRequest is copy_file_range(2) from Handle to TargetHandle of
// the node Target.
type CopyFileRangeRequest struct {
	Request
	Handle       HandleID
	Offset       int64
	Target       NodeID
	TargetHandle HandleID
	TargetOffset int64
	Length       uint64
	Flags        uint64

	wide bool
}

// Reply answers that n bytes were copied.
func (r CopyFileRangeRequest) Reply(n uint64) error {
	if n > r.Length {
		return r.ReplyError(unix.EIO)
	}
	if !r.claim() {
		return ErrReplied
	}
	b := r.body(8)
	putU64(b, 0, n)
	if !r.wide {
		putU32(b, 0, uint32(min(n, 1<<31)))
		putU32(b, 4, 0)
	}
	return r.sendBody(8)
}

// LseekRequest asks for the next data or hole at or after Offset; Whence is
// SEEK_DATA or SEEK_HOLE.
type LseekRequest struct {
	Request
	Handle HandleID
	Offset int64
	Whence uint32
}

// Reply answers with the offset found.
func (r LseekRequest) Reply(off int64) error {
	if !r.claim() {
		return ErrReplied
	}
	putU64(r.body(8), 0, uint64(off))
	return r.sendBody(8)
}

// openKillSuidgid is the flag of open and create that asks to drop set-id bits.
const openKillSuidgid = 1

func decodeOpen(r Request, b []byte) (OpenRequest, error) {
	if len(b) < 8 {
		return OpenRequest{}, errShort
	}
	return OpenRequest{OpenedRequest{r}, getU32(b, 0), getU32(b, 4)&openKillSuidgid != 0}, nil
}

func decodeRead(r Request, b []byte, limit int) (ReadRequest, error) {
	if len(b) < 40 {
		return ReadRequest{}, errShort
	}
	req := ReadRequest{
		Request: r, Handle: HandleID(getU64(b, 0)), Offset: int64(getU64(b, 8)),
		Size: int(getU32(b, 16)), LockOwner: getU64(b, 24), Flags: getU32(b, 32),
	}
	if req.Offset < 0 || req.Size > limit {
		return req, errRange
	}
	return req, nil
}

// writeInSize is the fixed part of a write before its data.
const writeInSize = 40

func decodeWrite(r Request, b []byte) (WriteRequest, error) {
	if len(b) < writeInSize {
		return WriteRequest{}, errShort
	}
	const fromCache, killSuidgid = 1 << 0, 1 << 2
	size, flags := int(getU32(b, 16)), getU32(b, 20)
	req := WriteRequest{
		Request: r, Handle: HandleID(getU64(b, 0)), Offset: int64(getU64(b, 8)),
		LockOwner: getU64(b, 24), Flags: getU32(b, 32),
		FromCache: flags&fromCache != 0, KillSuidgid: flags&killSuidgid != 0,
	}
	if size != len(b)-writeInSize {
		return req, errShort
	}
	if req.Offset < 0 {
		return req, errRange
	}
	req.Data = b[writeInSize : writeInSize+size : writeInSize+size]
	return req, nil
}

func decodeFlush(r Request, b []byte) (FlushRequest, error) {
	if len(b) < 24 {
		return FlushRequest{}, errShort
	}
	return FlushRequest{AckRequest{r}, HandleID(getU64(b, 0)), getU64(b, 16)}, nil
}

func decodeRelease(r Request, b []byte) (ReleaseRequest, error) {
	if len(b) < 24 {
		return ReleaseRequest{}, errShort
	}
	return ReleaseRequest{AckRequest{r}, HandleID(getU64(b, 0)), getU32(b, 8)}, nil
}

func decodeFsync(r Request, b []byte) (FsyncRequest, error) {
	if len(b) < 16 {
		return FsyncRequest{}, errShort
	}
	const dataOnly = 1
	return FsyncRequest{AckRequest{r}, HandleID(getU64(b, 0)), getU32(b, 8)&dataOnly != 0}, nil
}

func decodeFallocate(r Request, b []byte) (FallocateRequest, error) {
	if len(b) < 32 {
		return FallocateRequest{}, errShort
	}
	req := FallocateRequest{
		AckRequest{r}, HandleID(getU64(b, 0)), int64(getU64(b, 8)), int64(getU64(b, 16)), getU32(b, 24),
	}
	if req.Offset < 0 || req.Length < 0 {
		return req, errRange
	}
	return req, nil
}

// decodeCopyFileRange decodes both forms; wide is the one that answers 64 bits.
func decodeCopyFileRange(r Request, b []byte, wide bool) (CopyFileRangeRequest, error) {
	if len(b) < 56 {
		return CopyFileRangeRequest{}, errShort
	}
	req := CopyFileRangeRequest{
		Request: r, Handle: HandleID(getU64(b, 0)), Offset: int64(getU64(b, 8)),
		Target: NodeID(getU64(b, 16)), TargetHandle: HandleID(getU64(b, 24)), TargetOffset: int64(getU64(b, 32)),
		Length: getU64(b, 40), Flags: getU64(b, 48), wide: wide,
	}
	if req.Offset < 0 || req.TargetOffset < 0 {
		return req, errRange
	}
	return req, nil
}

func decodeLseek(r Request, b []byte) (LseekRequest, error) {
	if len(b) < 24 {
		return LseekRequest{}, errShort
	}
	req := LseekRequest{r, HandleID(getU64(b, 0)), int64(getU64(b, 8)), getU32(b, 16)}
	if req.Offset < 0 {
		return req, errRange
	}
	return req, nil
}
