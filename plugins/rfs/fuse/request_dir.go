package fuse

// OpendirRequest asks to open the directory Node.
type OpendirRequest struct {
	OpenedRequest
	Flags uint32
}

// DirEntry is one line of a listing. Type is a DT_ constant of readdir(3).
// Offset is what a later request passes to continue behind this entry; the
// first request passes 0.
type DirEntry struct {
	Ino    uint64
	Offset uint64
	Type   uint8
	Name   string
}

// ReaddirRequest asks for the entries of Handle from Offset on, as many as fit.
// Entries are added one by one, then sent by Reply. Add and Reply of one
// request are for one goroutine at a time.
type ReaddirRequest struct {
	Request
	Handle HandleID
	Offset uint64
	Size   int
}

// Add appends an entry; false means that it does not fit any more.
func (r ReaddirRequest) Add(e DirEntry) bool {
	n := direntLen(0, e.Name)
	if !r.open() || r.slot.fill+n > r.Size {
		return false
	}
	b := r.slot.buffer(r.Size)[r.slot.fill:]
	e.encode(b[:n])
	r.slot.fill += n
	return true
}

// Reply answers with what was added; nothing means the end of the directory.
func (r ReaddirRequest) Reply() error { return replyDir(r.Request) }

// ReaddirPlusRequest is a ReaddirRequest whose entries carry their attributes.
type ReaddirPlusRequest struct {
	Request
	Handle HandleID
	Offset uint64
	Size   int
}

// Fits tells whether an entry of this name can still be added, so that a
// handler looks it up only when it will be sent.
func (r ReaddirPlusRequest) Fits(name string) bool {
	return r.open() && r.slot.fill+direntLen(entrySize, name) <= r.Size
}

// Add appends an entry; false means that it does not fit any more. Node 0 in
// entry sends the name only, without a lookup.
func (r ReaddirPlusRequest) Add(e DirEntry, entry Entry) bool {
	if !r.Fits(e.Name) {
		return false
	}
	n := direntLen(entrySize, e.Name)
	b := r.slot.buffer(r.Size)[r.slot.fill:]
	entry.encode(b)
	e.encode(b[entrySize:n])
	r.slot.fill += n
	return true
}

// Reply answers with what was added; nothing means the end of the directory.
func (r ReaddirPlusRequest) Reply() error { return replyDir(r.Request) }

// ReleasedirRequest says that nobody uses the open directory Handle any more.
type ReleasedirRequest struct {
	AckRequest
	Handle HandleID
}

// FsyncdirRequest asks to make the directory durable.
type FsyncdirRequest struct {
	AckRequest
	Handle   HandleID
	DataOnly bool
}

func replyDir(r Request) error {
	if !r.claim() {
		return ErrReplied
	}
	var data []byte
	if n := r.slot.fill; n > 0 {
		data = r.slot.buf.b[:n]
	}
	return r.sendData(data)
}

// direntLen is the padded size of an entry behind a prefix of that size.
func direntLen(prefix int, name string) int {
	return prefix + (direntSize+len(name)+7)&^7
}

// encode fills b, which is as long as the padded entry.
func (e *DirEntry) encode(b []byte) {
	putU64(b, 0, e.Ino)
	putU64(b, 8, e.Offset)
	putU32(b, 16, uint32(len(e.Name)))
	putU32(b, 20, uint32(e.Type))
	n := copy(b[direntSize:], e.Name)
	clear(b[direntSize+n:])
}

func decodeOpendir(r Request, b []byte) (OpendirRequest, error) {
	if len(b) < 8 {
		return OpendirRequest{}, errShort
	}
	return OpendirRequest{OpenedRequest{r}, getU32(b, 0)}, nil
}

func decodeReaddir(r Request, b []byte, limit int) (ReaddirRequest, error) {
	if len(b) < 40 {
		return ReaddirRequest{}, errShort
	}
	req := ReaddirRequest{r, HandleID(getU64(b, 0)), getU64(b, 8), int(getU32(b, 16))}
	if req.Size > limit {
		return req, errRange
	}
	return req, nil
}

func decodeReaddirPlus(r Request, b []byte, limit int) (ReaddirPlusRequest, error) {
	req, err := decodeReaddir(r, b, limit)
	return ReaddirPlusRequest(req), err
}

func decodeReleasedir(r Request, b []byte) (ReleasedirRequest, error) {
	if len(b) < 24 {
		return ReleasedirRequest{}, errShort
	}
	return ReleasedirRequest{AckRequest{r}, HandleID(getU64(b, 0))}, nil
}

func decodeFsyncdir(r Request, b []byte) (FsyncdirRequest, error) {
	f, err := decodeFsync(r, b)
	return FsyncdirRequest(f), err
}
