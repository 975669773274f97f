package fuse

import (
	"sync"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// inHeaderSize is the size of the header of every request.
const inHeaderSize = 40

// Kinds of requests, by their numbers in the protocol.
const (
	opLookup          = 1
	opForget          = 2
	opGetattr         = 3
	opSetattr         = 4
	opReadlink        = 5
	opSymlink         = 6
	opMknod           = 8
	opMkdir           = 9
	opUnlink          = 10
	opRmdir           = 11
	opRename          = 12
	opLink            = 13
	opOpen            = 14
	opRead            = 15
	opWrite           = 16
	opStatfs          = 17
	opRelease         = 18
	opFsync           = 20
	opSetxattr        = 21
	opGetxattr        = 22
	opListxattr       = 23
	opRemovexattr     = 24
	opFlush           = 25
	opInit            = 26
	opOpendir         = 27
	opReaddir         = 28
	opReleasedir      = 29
	opFsyncdir        = 30
	opAccess          = 34
	opCreate          = 35
	opInterrupt       = 36
	opDestroy         = 38
	opIoctl           = 39
	opBatchForget     = 42
	opFallocate       = 43
	opReaddirPlus     = 44
	opRename2         = 45
	opLseek           = 46
	opCopyFileRange   = 47
	opSyncfs          = 50
	opTmpfile         = 51
	opCopyFileRange64 = 53
)

// dispatcher decodes messages and calls the handler.
type dispatcher struct {
	h       Handler
	log     logrus.FieldLogger
	maxRead int
	extAttr bool          // FeatureSetxattrExt was negotiated
	busy    chan struct{} // one token per running namespace call
	running sync.WaitGroup
}

func newDispatcher(h Handler, st *State, o *Options) *dispatcher {
	return &dispatcher{
		h: h, log: o.Log, maxRead: st.MaxRead, extAttr: st.Features&FeatureSetxattrExt != 0,
		busy: make(chan struct{}, o.MaxNamespace),
	}
}

// wait returns when no namespace call runs any more.
func (d *dispatcher) wait() { d.running.Wait() }

// message handles one message, which lies in c. It never panics on bad input:
// what can be answered is answered with EIO, the rest is logged.
func (d *dispatcher) message(slots *sync.Pool, via replier, c *chunk, msg []byte) {
	if len(msg) < inHeaderSize || int(getU32(msg, 0)) != len(msg) {
		d.log.WithField("size", len(msg)).Warn("broken fuse message")
		return
	}
	op, unique := getU32(msg, 4), getU64(msg, 8)
	head := Header{
		Unique: unique, Node: NodeID(getU64(msg, 16)),
		UID: getU32(msg, 24), GID: getU32(msg, 28), PID: getU32(msg, 32),
	}
	body := msg[inHeaderSize:]
	if d.unanswered(op, head.Node, body) {
		return
	}
	if unique == 0 {
		d.log.WithField("op", op).Warn("fuse request without an identity")
		return
	}
	ext := int(getU16(msg, 36)) * 8
	s := slots.Get().(*slot)
	s.begin(unique, via)
	r := Request{head, s}
	if ext > len(body) {
		d.refuse(r, op, errShort)
		return
	}
	d.request(r, op, c, body[:len(body)-ext])
}

// unanswered handles the kinds that have no answer.
func (d *dispatcher) unanswered(op uint32, node NodeID, b []byte) bool {
	switch op {
	case opForget:
		if len(b) >= 8 {
			d.h.Forget([]Forgotten{{node, getU64(b, 0)}})
		}
	case opBatchForget:
		d.batchForget(b)
	case opInterrupt:
		if len(b) >= 8 {
			d.h.Interrupt(getU64(b, 0))
		}
	default:
		return false
	}
	return true
}

func (d *dispatcher) batchForget(b []byte) {
	if len(b) < 8 {
		return
	}
	count := min(int(getU32(b, 0)), (len(b)-8)/16)
	batch := make([]Forgotten, count)
	for i := range batch {
		batch[i] = Forgotten{NodeID(getU64(b, 8+16*i)), getU64(b, 16+16*i)}
	}
	d.h.Forget(batch)
}

// request calls the handler: data calls here, the others on a goroutine.
func (d *dispatcher) request(r Request, op uint32, c *chunk, b []byte) {
	switch op {
	case opRead:
		req, err := decodeRead(r, b, d.maxRead)
		inline(d, r, op, req, err, d.h.Read)
	case opWrite:
		r.slot.hold(c)
		req, err := decodeWrite(r, b)
		inline(d, r, op, req, err, d.h.Write)
	case opFsync:
		req, err := decodeFsync(r, b)
		inline(d, r, op, req, err, d.h.Fsync)
	case opFlush:
		req, err := decodeFlush(r, b)
		inline(d, r, op, req, err, d.h.Flush)
	case opLookup, opGetattr, opSetattr, opReadlink, opAccess:
		d.inodeRequest(r, op, b)
	case opMknod, opMkdir, opSymlink, opLink, opUnlink, opRmdir, opRename, opRename2, opCreate, opTmpfile:
		d.nameRequest(r, op, b)
	case opOpen, opRelease, opFallocate, opCopyFileRange, opCopyFileRange64, opLseek:
		d.fileRequest(r, op, b)
	case opOpendir, opReaddir, opReaddirPlus, opReleasedir, opFsyncdir:
		d.dirRequest(r, op, b)
	case opSetxattr, opGetxattr, opListxattr, opRemovexattr:
		d.xattrRequest(r, op, c, b)
	default:
		d.systemRequest(r, op)
	}
}

func (d *dispatcher) inodeRequest(r Request, op uint32, b []byte) {
	switch op {
	case opLookup:
		req, err := decodeLookup(r, b)
		spawn(d, r, op, req, err, d.h.Lookup)
	case opGetattr:
		req, err := decodeGetattr(r, b)
		spawn(d, r, op, req, err, d.h.Getattr)
	case opSetattr:
		req, err := decodeSetattr(r, b)
		spawn(d, r, op, req, err, d.h.Setattr)
	case opReadlink:
		spawn(d, r, op, ReadlinkRequest{r}, nil, d.h.Readlink)
	case opAccess:
		req, err := decodeAccess(r, b)
		spawn(d, r, op, req, err, d.h.Access)
	}
}

func (d *dispatcher) nameRequest(r Request, op uint32, b []byte) {
	switch op {
	case opMknod:
		req, err := decodeMknod(r, b)
		spawn(d, r, op, req, err, d.h.Mknod)
	case opMkdir:
		req, err := decodeMkdir(r, b)
		spawn(d, r, op, req, err, d.h.Mkdir)
	case opSymlink:
		req, err := decodeSymlink(r, b)
		spawn(d, r, op, req, err, d.h.Symlink)
	case opLink:
		req, err := decodeLink(r, b)
		spawn(d, r, op, req, err, d.h.Link)
	case opUnlink:
		req, err := decodeUnlink(r, b)
		spawn(d, r, op, req, err, d.h.Unlink)
	case opRmdir:
		req, err := decodeRmdir(r, b)
		spawn(d, r, op, req, err, d.h.Rmdir)
	case opRename:
		req, err := decodeRename(r, b, 8)
		spawn(d, r, op, req, err, d.h.Rename)
	case opRename2:
		req, err := decodeRename(r, b, 16)
		spawn(d, r, op, req, err, d.h.Rename)
	case opCreate:
		req, err := decodeCreate(r, b)
		spawn(d, r, op, req, err, d.h.Create)
	case opTmpfile:
		req, err := decodeTmpfile(r, b)
		spawn(d, r, op, req, err, d.h.Tmpfile)
	}
}

func (d *dispatcher) fileRequest(r Request, op uint32, b []byte) {
	switch op {
	case opOpen:
		req, err := decodeOpen(r, b)
		spawn(d, r, op, req, err, d.h.Open)
	case opRelease:
		req, err := decodeRelease(r, b)
		spawn(d, r, op, req, err, d.h.Release)
	case opFallocate:
		req, err := decodeFallocate(r, b)
		spawn(d, r, op, req, err, d.h.Fallocate)
	case opCopyFileRange, opCopyFileRange64:
		req, err := decodeCopyFileRange(r, b, op == opCopyFileRange64)
		spawn(d, r, op, req, err, d.h.CopyFileRange)
	case opLseek:
		req, err := decodeLseek(r, b)
		spawn(d, r, op, req, err, d.h.Lseek)
	}
}

func (d *dispatcher) dirRequest(r Request, op uint32, b []byte) {
	switch op {
	case opOpendir:
		req, err := decodeOpendir(r, b)
		spawn(d, r, op, req, err, d.h.Opendir)
	case opReaddir:
		req, err := decodeReaddir(r, b, d.maxRead)
		spawn(d, r, op, req, err, d.h.Readdir)
	case opReaddirPlus:
		req, err := decodeReaddirPlus(r, b, d.maxRead)
		spawn(d, r, op, req, err, d.h.ReaddirPlus)
	case opReleasedir:
		req, err := decodeReleasedir(r, b)
		spawn(d, r, op, req, err, d.h.Releasedir)
	case opFsyncdir:
		req, err := decodeFsyncdir(r, b)
		spawn(d, r, op, req, err, d.h.Fsyncdir)
	}
}

func (d *dispatcher) xattrRequest(r Request, op uint32, c *chunk, b []byte) {
	switch op {
	case opSetxattr:
		r.slot.hold(c)
		req, err := decodeSetxattr(r, b, d.extAttr)
		spawn(d, r, op, req, err, d.h.Setxattr)
	case opGetxattr:
		req, err := decodeGetxattr(r, b)
		spawn(d, r, op, req, err, d.h.Getxattr)
	case opListxattr:
		req, err := decodeListxattr(r, b)
		spawn(d, r, op, req, err, d.h.Listxattr)
	case opRemovexattr:
		req, err := decodeRemovexattr(r, b)
		spawn(d, r, op, req, err, d.h.Removexattr)
	}
}

// systemRequest handles what concerns the whole mount, and what is not served:
// the kernel knows from ENOSYS not to ask again.
func (d *dispatcher) systemRequest(r Request, op uint32) {
	switch op {
	case opStatfs:
		spawn(d, r, op, StatfsRequest{r}, nil, d.h.Statfs)
	case opSyncfs:
		spawn(d, r, op, SyncfsRequest{AckRequest{r}}, nil, d.h.Syncfs)
	case opDestroy:
		_ = AckRequest{r}.Reply(nil)
	case opIoctl:
		_ = r.ReplyError(unix.ENOTTY)
	case opInit:
		d.refuse(r, op, errRange)
	default:
		_ = r.ReplyError(unix.ENOSYS)
	}
}

// inline calls the handler on the reader.
func inline[T any](d *dispatcher, r Request, op uint32, req T, err error, call func(T)) {
	if err != nil {
		d.refuse(r, op, err)
		return
	}
	call(req)
}

// spawn calls the handler on a goroutine, waiting while too many run.
func spawn[T any](d *dispatcher, r Request, op uint32, req T, err error, call func(T)) {
	if err != nil {
		d.refuse(r, op, err)
		return
	}
	d.busy <- struct{}{}
	d.running.Go(func() {
		defer func() { <-d.busy }()
		call(req)
	})
}

// refuse answers a message that does not follow the protocol.
func (d *dispatcher) refuse(r Request, op uint32, err error) {
	d.log.WithField("op", op).WithError(err).Warn("broken fuse request")
	_ = r.ReplyError(unix.EIO)
}
