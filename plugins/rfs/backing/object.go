package backing

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unsafe"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Object is one file, by a descriptor that may be O_PATH.
type Object struct{ FD int }

// Close gives the descriptor back.
func (o Object) Close() { unix.Close(o.FD) }

// proc is a path that leads to the object itself, also with O_PATH.
func (o Object) proc() string { return fmt.Sprintf("/proc/self/fd/%d", o.FD) }

// Stat describes the object.
func (o Object) Stat() (unix.Stat_t, error) {
	var st unix.Stat_t
	return st, unix.Fstat(o.FD, &st)
}

// Reopen opens the object anew with the flags of open(2).
func (o Object) Reopen(flags int) (int, error) { return unix.Open(o.proc(), flags|unix.O_CLOEXEC, 0) }

// Chmod sets the permission bits.
func (o Object) Chmod(mode uint32) error { return unix.Chmod(o.proc(), mode&0o7777) }

// Chown sets the owner; -1 leaves one alone.
func (o Object) Chown(uid, gid int) error {
	return unix.Fchownat(o.FD, "", uid, gid, unix.AT_EMPTY_PATH)
}

// Truncate sets the size.
func (o Object) Truncate(size int64) error { return unix.Truncate(o.proc(), size) }

// Utimes sets the times; UTIME_OMIT and UTIME_NOW are understood.
func (o Object) Utimes(atime, mtime unix.Timespec) error {
	ts := [2]unix.Timespec{atime, mtime}
	// The library's UtimesNanoAt cannot pass the empty path that AT_EMPTY_PATH needs everywhere.
	empty := [1]byte{}
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(o.FD), uintptr(unsafe.Pointer(&empty[0])), uintptr(unsafe.Pointer(&ts[0])), unix.AT_EMPTY_PATH, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// SetMtime sets the modification time alone.
func (o Object) SetMtime(t wire.Time) error {
	return o.Utimes(unix.Timespec{Nsec: unix.UTIME_OMIT}, Timespec(t))
}

// Timespec converts a time of the wire.
func Timespec(t wire.Time) unix.Timespec { return unix.Timespec{Sec: t.Sec, Nsec: int64(t.Nsec)} }

// WireTime converts a time for the wire.
func WireTime(t unix.Timespec) wire.Time { return wire.Time{Sec: t.Sec, Nsec: uint32(t.Nsec)} }

// WireAttr takes the attributes out of a stat.
func WireAttr(st *unix.Stat_t) wire.Attr {
	return wire.Attr{Mode: st.Mode, UID: st.Uid, GID: st.Gid, Atime: WireTime(st.Atim), Mtime: WireTime(st.Mtim)}
}

// Impose gives the object the attributes of the parts named by what. The
// owner comes first, because changing it drops set-id bits.
func (o Object) Impose(a wire.Attr, what uint32) error {
	if what&wire.AttrOwner != 0 {
		if err := o.Chown(int(a.UID), int(a.GID)); err != nil {
			return err
		}
	}
	if what&wire.AttrMode != 0 && a.Mode&unix.S_IFMT != unix.S_IFLNK {
		if err := o.Chmod(a.Mode); err != nil {
			return err
		}
	}
	if what&(wire.AttrAtime|wire.AttrMtime) == 0 {
		return nil
	}
	at, mt := unix.Timespec{Nsec: unix.UTIME_OMIT}, unix.Timespec{Nsec: unix.UTIME_OMIT}
	if what&wire.AttrAtime != 0 {
		at = Timespec(a.Atime)
	}
	if what&wire.AttrMtime != 0 {
		mt = Timespec(a.Mtime)
	}
	return o.Utimes(at, mt)
}

// Getxattr reads an extended attribute.
func (o Object) Getxattr(name string) ([]byte, error) {
	buf := make([]byte, 256)
	for {
		n, err := unix.Getxattr(o.proc(), name, buf)
		if err == nil {
			return buf[:n], nil
		}
		if !errors.Is(err, unix.ERANGE) || len(buf) > 1<<16 {
			return nil, err
		}
		buf = make([]byte, 1<<16+1)
	}
}

// Setxattr sets an extended attribute.
func (o Object) Setxattr(name string, value []byte, flags int) error {
	return unix.Setxattr(o.proc(), name, value, flags)
}

// Removexattr removes an extended attribute.
func (o Object) Removexattr(name string) error { return unix.Removexattr(o.proc(), name) }

// Listxattr names the extended attributes in order, this package's own left out.
func (o Object) Listxattr() ([]string, error) {
	buf := make([]byte, 1<<10)
	for {
		n, err := unix.Listxattr(o.proc(), buf)
		if errors.Is(err, unix.ERANGE) && len(buf) < 1<<17 {
			buf = make([]byte, 1<<17)
			continue
		}
		if errors.Is(err, unix.ENOTSUP) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var names []string
		for _, s := range bytes.Split(buf[:n], []byte{0}) {
			if len(s) > 0 && !Own(string(s)) {
				names = append(names, string(s))
			}
		}
		sort.Strings(names)
		return names, nil
	}
}

// ownPrefix is the name space of this product's attributes, hidden from users.
const ownPrefix = "trusted.safehold."

const (
	idName   = ownPrefix + "id"
	treeName = ownPrefix + "tree"
)

// Own tells whether an extended attribute belongs to the product.
func Own(name string) bool { return strings.HasPrefix(name, ownPrefix) }

// PackXattrs gives all extended attributes in one piece, and its digest, which
// is 0 when there are none.
func (o Object) PackXattrs() ([]byte, uint64, error) {
	names, err := o.Listxattr()
	if err != nil || len(names) == 0 {
		return nil, 0, err
	}
	var b []byte
	for _, n := range names {
		v, err := o.Getxattr(n)
		if errors.Is(err, unix.ENODATA) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		b = fmt.Appendf(b, "%d %d ", len(n), len(v))
		b = append(append(b, n...), v...)
	}
	return b, xxhash.Sum64(b), nil
}

// UnpackXattrs is the inverse; foreign bytes that do not fit give an error.
func UnpackXattrs(b []byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	for len(b) > 0 {
		var n, v int
		i := bytes.IndexByte(b, ' ')
		j := bytes.IndexByte(b[i+1:], ' ')
		if i < 1 || j < 1 {
			return nil, fmt.Errorf("%w: extended attributes", wire.ErrFrame)
		}
		if _, err := fmt.Sscanf(string(b[:i+1+j]), "%d %d", &n, &v); err != nil || n < 1 || v < 0 || n > 255 || v > 1<<16 || i+j+2+n+v > len(b) {
			return nil, fmt.Errorf("%w: extended attributes", wire.ErrFrame)
		}
		b = b[i+j+2:]
		out[string(b[:n])] = b[n : n+v]
		b = b[n+v:]
	}
	return out, nil
}

// ReplaceXattrs makes the extended attributes exactly those of want.
func (o Object) ReplaceXattrs(want map[string][]byte) error {
	have, err := o.Listxattr()
	if err != nil {
		return err
	}
	for _, n := range have {
		if _, ok := want[n]; !ok {
			if err := o.Removexattr(n); err != nil && !errors.Is(err, unix.ENODATA) {
				return err
			}
		}
	}
	for n, v := range want {
		if Own(n) {
			return unix.EPERM
		}
		if err := o.Setxattr(n, v, 0); err != nil {
			return err
		}
	}
	return nil
}

// ContentID reads the identity of the file's content; zero when it has none.
func (o Object) ContentID() wire.ID {
	var id wire.ID
	if v, err := o.Getxattr(idName); err == nil && len(v) == len(id) {
		copy(id[:], v)
	}
	return id
}

// SetContentID gives the content an identity; zero takes it away.
func (o Object) SetContentID(id wire.ID) error {
	if !id.IsZero() {
		return o.Setxattr(idName, id[:], 0)
	}
	if err := o.Removexattr(idName); err != nil && !errors.Is(err, unix.ENODATA) {
		return err
	}
	return nil
}

// Marker reads the identity of the tree, "" when it has none.
func (r *Root) Marker() (string, error) {
	v, err := Object{r.fd()}.Getxattr(treeName)
	if errors.Is(err, unix.ENODATA) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read identity marker of %s (the file system must support extended attributes): %w", r.Path, err)
	}
	return string(v), nil
}

// SetMarker writes the identity of the tree; it is on disk on return.
func (r *Root) SetMarker(id string) error {
	if err := (Object{r.fd()}).Setxattr(treeName, []byte(id), 0); err != nil {
		return fmt.Errorf("write identity marker of %s (the file system must support extended attributes): %w", r.Path, err)
	}
	if err := unix.Fsync(r.fd()); err != nil {
		return fmt.Errorf("write identity marker of %s: %w", r.Path, err)
	}
	return nil
}
