package fuse

import (
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// recorder keeps the last request and answers it with EPERM.
type recorder struct {
	Unimplemented
	got any
}

func (r *recorder) keep(q any, base Request) { r.got = q; _ = base.ReplyError(unix.EPERM) }

func (r *recorder) Rename(q RenameRequest)   { r.keep(q, q.Request) }
func (r *recorder) Setattr(q SetattrRequest) { r.keep(q, q.Request) }
func (r *recorder) Setxattr(q SetxattrRequest) {
	q.Value = append([]byte{}, q.Value...)
	r.keep(q, q.Request)
}
func (r *recorder) Symlink(q SymlinkRequest)             { r.keep(q, q.Request) }
func (r *recorder) Create(q CreateRequest)               { r.keep(q, q.Request) }
func (r *recorder) CopyFileRange(q CopyFileRangeRequest) { r.keep(q, q.Request) }
func (r *recorder) Fallocate(q FallocateRequest)         { r.keep(q, q.Request) }
func (r *recorder) Forget(f []Forgotten)                 { r.got = append([]Forgotten{}, f...) }

// words encodes 32-bit words, then text.
func words(text string, w ...uint32) []byte {
	b := make([]byte, 4*len(w), 4*len(w)+len(text))
	for i, v := range w {
		putU32(b, 4*i, v)
	}
	return append(b, text...)
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name string
		op   uint32
		body []byte
		want any
	}{
		{"rename", opRename, words("old\x00new\x00", 5, 0), RenameRequest{Name: "old", NewParent: 5, NewName: "new"}},
		{"rename2", opRename2, words("old\x00new\x00", 5, 0, 2, 0), RenameRequest{Name: "old", NewParent: 5, NewName: "new", Flags: 2}},
		{"symlink", opSymlink, words("name\x00../any/where\x00"), SymlinkRequest{Name: "name", Target: "../any/where"}},
		{"create", opCreate, words("f\x00", 0x242, 0o100644, 0o22, 1), CreateRequest{Name: "f", Flags: 0x242, Mode: 0o100644, Umask: 0o22, KillSuidgid: true}},
		{"setxattr", opSetxattr, words("user.a\x00val", 3, 1, 1, 0), SetxattrRequest{Name: "user.a", Value: []byte("val"), Flags: 1, KillSgid: true}},
		{"fallocate", opFallocate, words("", 9, 0, 4096, 0, 8192, 0, 3, 0), FallocateRequest{Handle: 9, Offset: 4096, Length: 8192, Mode: 3}},
		{"copy", opCopyFileRange, words("", 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0),
			CopyFileRangeRequest{Handle: 1, Offset: 2, Target: 3, TargetHandle: 4, TargetOffset: 5, Length: 6, Flags: 7}},
		{"setattr", opSetattr, words("", 1<<0|1<<3|1<<6|1<<11, 0, 8, 0, 100, 0, 0, 0, 11, 0, 12, 0, 13, 0, 21, 22, 23, 0o644, 0, 31, 32, 0),
			SetattrRequest{Valid: SetMode | SetSize, HasHandle: true, Handle: 8, KillSuidgid: true, Size: 100, Mode: 0o644, UID: 31, GID: 32,
				Atime: unix.Timespec{Sec: 11, Nsec: 21}, Mtime: unix.Timespec{Sec: 12, Nsec: 22}, Ctime: unix.Timespec{Sec: 13, Nsec: 23}}},
		{"forget", opForget, words("", 3, 0), []Forgotten{{1, 3}}},
		{"forgets", opBatchForget, words("", 2, 0, 7, 0, 1, 0, 8, 0, 2, 0), []Forgotten{{7, 1}, {8, 2}}},
		{"forgets, count too large", opBatchForget, words("", 1<<31, 0, 7, 0, 1, 0), []Forgotten{{7, 1}}},
		{"name with a slash", opRename2, words("a/b\x00new\x00", 5, 0, 2, 0), nil},
		{"dot name", opRename2, words("..\x00new\x00", 5, 0, 2, 0), nil},
		{"name without an end", opSymlink, words("name"), nil},
		{"value too long", opSetxattr, words("user.a\x00val", 4, 1, 1, 0), nil},
		{"negative length", opFallocate, words("", 9, 0, 4096, 0, 0, 1<<31, 3, 0), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{}
			feed(t, r, message(c.op, 2, 1, c.body))
			if got := stripRequest(r.got); !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// stripRequest clears the embedded Request, which tables cannot know.
func stripRequest(v any) any {
	if v == nil {
		return nil
	}
	c := reflect.New(reflect.TypeOf(v)).Elem()
	c.Set(reflect.ValueOf(v))
	for i := 0; c.Kind() == reflect.Struct && i < c.NumField(); i++ {
		if c.Type().Field(i).Anonymous {
			c.Field(i).SetZero()
		}
	}
	return c.Interface()
}

func TestParseMounts(t *testing.T) {
	const text = `36 35 0:98 / /mnt/a\040b rw,nosuid,nodev shared:1 - fuse.safekit safekit rw
37 35 8:1 / / rw - ext4 /dev/sda1 rw
broken line
38 35 0:x / /y rw - tmpfs t rw
`
	got, err := parseMounts(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []mountPoint{
		{"/mnt/a b", "fuse.safekit", unix.MS_NOSUID | unix.MS_NODEV, 98},
		{"/", "ext4", 0, 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v", got)
	}
}

func TestNegotiate(t *testing.T) {
	o, err := Options{Refuse: FeaturePosixACL}.complete()
	if err != nil {
		t.Fatal(err)
	}
	const posixLocks = 1 << 1
	st, out := negotiate(initOffer{minor: 99, readahead: 4096, features: ^Feature(0)}, &o)
	if st.Minor != protoMinor || st.MaxWrite != 1<<20 || getU32(out, 8) != 4096 {
		t.Errorf("state %+v", st)
	}
	if st.Features != defaultFeatures&^FeaturePosixACL || st.Features&(FeatureWritebackCache|posixLocks) != 0 {
		t.Errorf("features %#x", uint64(st.Features))
	}
	if getU16(out, 28) != 256 || getU32(out, 12) != uint32(st.Features) || getU32(out, 32) != uint32(st.Features>>32) {
		t.Errorf("answer % x", out)
	}
	st, _ = negotiate(initOffer{minor: minMinor}, &o)
	if st.MaxWrite != 128<<10 || st.Features != 0 {
		t.Errorf("old kernel: %+v", st)
	}
}
