package fuse

import (
	"time"

	"golang.org/x/sys/unix"
)

// LookupRequest asks for Name in the directory Node.
type LookupRequest struct {
	EntryRequest
	Name string
}

// Forgotten lowers the lookup count of a node by Count.
type Forgotten struct {
	Node  NodeID
	Count uint64
}

// AttrRequest is a request whose answer is an inode's attributes.
type AttrRequest struct{ Request }

// Reply answers with attributes that the kernel may use for valid.
func (r AttrRequest) Reply(a Attr, valid time.Duration) error {
	if !r.claim() {
		return ErrReplied
	}
	encodeAttrOut(r.body(attrOutSize), &a, valid)
	return r.sendBody(attrOutSize)
}

// GetattrRequest asks for attributes; through an open file when HasHandle.
type GetattrRequest struct {
	AttrRequest
	HasHandle bool
	Handle    HandleID
}

// SetattrMask says which fields of a SetattrRequest are to be set.
type SetattrMask uint32

// Bits of SetattrMask. With SetAtimeNow or SetMtimeNow the current time is
// meant and the field itself is not.
const (
	SetMode     SetattrMask = 1 << 0
	SetUID      SetattrMask = 1 << 1
	SetGID      SetattrMask = 1 << 2
	SetSize     SetattrMask = 1 << 3
	SetAtime    SetattrMask = 1 << 4
	SetMtime    SetattrMask = 1 << 5
	SetAtimeNow SetattrMask = 1 << 7
	SetMtimeNow SetattrMask = 1 << 8
	SetCtime    SetattrMask = 1 << 10

	setHandle      SetattrMask = 1 << 6
	setLockOwner   SetattrMask = 1 << 9
	setKillSuidgid SetattrMask = 1 << 11
)

// SetattrRequest asks to change the attributes named by Valid. KillSuidgid
// asks to drop the set-id bits that write(2) would drop.
type SetattrRequest struct {
	AttrRequest
	Valid               SetattrMask
	HasHandle           bool
	Handle              HandleID
	KillSuidgid         bool
	Size                uint64
	Atime, Mtime, Ctime unix.Timespec
	Mode, UID, GID      uint32
}

// Has tells whether all bits of m are to be set.
func (r SetattrRequest) Has(m SetattrMask) bool { return r.Valid&m == m }

// ReadlinkRequest asks for the target of the symbolic link Node.
type ReadlinkRequest struct{ Request }

// Reply answers with the target.
func (r ReadlinkRequest) Reply(target string) error {
	if len(target) >= 4096 {
		return r.ReplyError(unix.ENAMETOOLONG)
	}
	if !r.claim() {
		return ErrReplied
	}
	return r.sendData([]byte(target))
}

// AccessRequest asks whether the caller has the rights in Mask, as access(2).
type AccessRequest struct {
	AckRequest
	Mask uint32
}

func decodeLookup(r Request, b []byte) (LookupRequest, error) {
	name, _, err := cutName(b)
	return LookupRequest{EntryRequest{r}, name}, err
}

func decodeGetattr(r Request, b []byte) (GetattrRequest, error) {
	if len(b) < 16 {
		return GetattrRequest{}, errShort
	}
	const getattrHandle = 1
	return GetattrRequest{AttrRequest{r}, getU32(b, 0)&getattrHandle != 0, HandleID(getU64(b, 8))}, nil
}

func decodeSetattr(r Request, b []byte) (SetattrRequest, error) {
	if len(b) < 88 {
		return SetattrRequest{}, errShort
	}
	valid := SetattrMask(getU32(b, 0))
	return SetattrRequest{
		AttrRequest: AttrRequest{r},
		Valid:       valid &^ (setHandle | setLockOwner | setKillSuidgid),
		HasHandle:   valid&setHandle != 0,
		Handle:      HandleID(getU64(b, 8)),
		KillSuidgid: valid&setKillSuidgid != 0,
		Size:        getU64(b, 16),
		Atime:       unix.Timespec{Sec: int64(getU64(b, 32)), Nsec: int64(getU32(b, 56))},
		Mtime:       unix.Timespec{Sec: int64(getU64(b, 40)), Nsec: int64(getU32(b, 60))},
		Ctime:       unix.Timespec{Sec: int64(getU64(b, 48)), Nsec: int64(getU32(b, 64))},
		Mode:        getU32(b, 68),
		UID:         getU32(b, 76),
		GID:         getU32(b, 80),
	}, nil
}

func decodeAccess(r Request, b []byte) (AccessRequest, error) {
	if len(b) < 8 {
		return AccessRequest{}, errShort
	}
	return AccessRequest{AckRequest{r}, getU32(b, 0)}, nil
}
