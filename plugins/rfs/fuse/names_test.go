package fuse_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

func TestRenameFlags(t *testing.T) {
	r := mount(t, fuse.Options{})
	a, b := r.path("a"), r.path("b")
	must(t, os.WriteFile(a, []byte("A"), 0o600))
	must(t, os.WriteFile(b, []byte("B"), 0o600))
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EEXIST) {
		t.Fatalf("noreplace over a file: %v, want EEXIST", err)
	}
	must(t, unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE))
	r.check(t, "a", []byte("B"))
	r.check(t, "b", []byte("A"))
	must(t, unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, r.path("c"), unix.RENAME_NOREPLACE))
	r.check(t, "c", []byte("B"))
}

func TestTmpfileGetsAName(t *testing.T) {
	r := mount(t, fuse.Options{})
	fd, err := unix.Open(r.dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o640)
	must(t, err)
	f := os.NewFile(uintptr(fd), "tmpfile")
	defer f.Close()
	_, err = f.WriteString("nameless")
	must(t, err)
	if names, err := os.ReadDir(r.dir); err != nil || len(names) != 0 {
		t.Fatalf("names before linkat: %v %v", names, err)
	}
	must(t, unix.Linkat(unix.AT_FDCWD, procPath(fd), unix.AT_FDCWD, r.path("named"), unix.AT_SYMLINK_FOLLOW))
	r.check(t, "named", []byte("nameless"))
}

func TestOpenUnlinkUse(t *testing.T) {
	r := mount(t, fuse.Options{})
	f := r.create(t, "f", 0)
	must(t, os.Remove(r.path("f")))
	_, err := f.WriteString("still here")
	must(t, err)
	b := make([]byte, 10)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	must(t, f.Truncate(5))
	if st, err := f.Stat(); err != nil || st.Size() != 5 || string(b) != "still here" {
		t.Fatalf("unlinked file: %q %v %v", b, st, err)
	}
	if names, err := os.ReadDir(r.dir); err != nil || len(names) != 0 {
		t.Fatalf("names after unlink: %v %v", names, err)
	}
}

func TestReaddirOfManyNames(t *testing.T) {
	r := mount(t, fuse.Options{})
	const count = 10000
	must(t, os.Mkdir(r.under("many"), 0o755))
	want := make([]string, count)
	for i := range want {
		want[i] = fmt.Sprintf("file-%05d-with-a-name-of-some-length", i)
		must(t, unix.Mknod(filepath.Join(r.under("many"), want[i]), unix.S_IFREG|0o644, 0))
	}
	for range 2 { // with and without attributes
		names, err := os.ReadDir(r.path("many"))
		must(t, err)
		got := make([]string, len(names))
		for i, n := range names {
			got[i] = n.Name()
			if !n.Type().IsRegular() {
				t.Fatalf("%s is not a file", n.Name())
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%d names, want %d", len(got), count)
		}
	}
}

func TestXattr(t *testing.T) {
	r := mount(t, fuse.Options{})
	f := r.create(t, "f", 0)
	value := []byte(strings.Repeat("v", 3000))
	must(t, unix.Setxattr(r.path("f"), "user.big", value, unix.XATTR_CREATE))
	if err := unix.Setxattr(r.path("f"), "user.big", nil, unix.XATTR_CREATE); !errors.Is(err, unix.EEXIST) {
		t.Errorf("create twice: %v", err)
	}
	b := make([]byte, 4096)
	n, err := unix.Fgetxattr(int(f.Fd()), "user.big", b)
	if err != nil || string(b[:n]) != string(value) {
		t.Errorf("get: %d bytes, %v", n, err)
	}
	if n, err := unix.Getxattr(r.path("f"), "user.big", nil); err != nil || n != len(value) {
		t.Errorf("size: %d %v", n, err)
	}
	if _, err := unix.Getxattr(r.path("f"), "user.big", b[:10]); !errors.Is(err, unix.ERANGE) {
		t.Errorf("short buffer: %v, want ERANGE", err)
	}
	n, err = unix.Listxattr(r.path("f"), b)
	if err != nil || string(b[:n]) != "user.big\x00" {
		t.Errorf("list: %q %v", b[:max(n, 0)], err)
	}
	must(t, unix.Removexattr(r.path("f"), "user.big"))
	if _, err := unix.Getxattr(r.path("f"), "user.big", b); !errors.Is(err, unix.ENODATA) {
		t.Errorf("after removal: %v, want ENODATA", err)
	}
}

func TestSpecialFiles(t *testing.T) {
	r := mount(t, fuse.Options{})
	dev := int(unix.Mkdev(1, 3))
	must(t, unix.Mknod(r.path("null"), unix.S_IFCHR|0o666, dev))
	must(t, unix.Mkfifo(r.path("pipe"), 0o600))
	var st unix.Stat_t
	must(t, unix.Stat(r.path("null"), &st))
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != uint64(dev) {
		t.Errorf("device: mode %o rdev %x", st.Mode, st.Rdev)
	}
	must(t, unix.Stat(r.path("pipe"), &st))
	if st.Mode&unix.S_IFMT != unix.S_IFIFO {
		t.Errorf("pipe: mode %o", st.Mode)
	}
}

// as runs a shell command as another user, with a umask, below the mount.
func (r *rig) as(t *testing.T, uid uint32, command string) error {
	t.Helper()
	// The shell changes the directory itself: between fork and exec this process,
	// which has to answer, stands still.
	c := exec.Command("/bin/sh", "-c", "cd '"+r.dir+"' && "+command)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return c.Run()
}

func mode(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(path, &st))
	return st
}

func TestOwnerUmaskAndPermissions(t *testing.T) {
	r := mount(t, fuse.Options{})
	must(t, r.as(t, 4242, "umask 027; : > f; mkdir d; ln -s f l; mkfifo p"))
	for name, want := range map[string]uint32{"f": 0o640, "d": 0o750, "p": 0o640} {
		if st := mode(t, r.under(name)); st.Mode&07777 != want || st.Uid != 4242 || st.Gid != 4242 {
			t.Errorf("%s: mode %o owner %d:%d, want %o", name, st.Mode&07777, st.Uid, st.Gid, want)
		}
	}
	if st := mode(t, r.under("l")); st.Uid != 4242 {
		t.Errorf("link: owner %d", st.Uid)
	}
	if err := r.as(t, 4243, "cat f"); err == nil {
		t.Error("a foreign user could read a file of mode 0640")
	}
	must(t, r.as(t, 4242, "cat f"))
}

// acl encodes an access or default ACL: owner rwx, user 4242 with the given
// rights, group r-x, mask rwx, others none (acl(5), version 2).
func acl(rights uint16) []byte {
	const none = 0xffffffff
	b := []byte{2, 0, 0, 0}
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{1, 7, none}, {2, rights, 4242}, {4, 5, none}, {0x10, 7, none}, {0x20, 0, none}} {
		b = append(b, byte(e.tag), byte(e.tag>>8), byte(e.perm), byte(e.perm>>8),
			byte(e.id), byte(e.id>>8), byte(e.id>>16), byte(e.id>>24))
	}
	return b
}

func TestACL(t *testing.T) {
	r := mount(t, fuse.Options{})
	must(t, os.WriteFile(r.path("f"), []byte("x"), 0o600))
	if err := r.as(t, 4242, "cat f"); err == nil {
		t.Fatal("readable before the ACL")
	}
	must(t, unix.Setxattr(r.path("f"), "system.posix_acl_access", acl(4), 0))
	must(t, r.as(t, 4242, "cat f"))
	if err := r.as(t, 4242, "echo x > f"); err == nil {
		t.Error("the ACL gives reading only")
	}
	if err := r.as(t, 4243, "cat f"); err == nil {
		t.Error("the ACL names another user")
	}
	under := make([]byte, 128)
	n, err := unix.Getxattr(r.under("f"), "system.posix_acl_access", under)
	if err != nil || string(under[:n]) != string(acl(4)) {
		t.Errorf("ACL under the mount: % x %v", under[:max(n, 0)], err)
	}
	// A default ACL replaces the umask of whoever creates below it.
	must(t, os.Mkdir(r.path("d"), 0o755))
	must(t, unix.Setxattr(r.path("d"), "system.posix_acl_default", acl(7), 0))
	must(t, r.as(t, 0, "umask 077; : > d/f; mkdir d/sub"))
	if st := mode(t, r.under("d/f")); st.Mode&07777 != 0o660 {
		t.Errorf("file below a default ACL: mode %o, want 660", st.Mode&07777)
	}
	if st := mode(t, r.under("d/sub")); st.Mode&07777 != 0o770 {
		t.Errorf("directory below a default ACL: mode %o, want 770", st.Mode&07777)
	}
}

func TestSetIDBitsAreDropped(t *testing.T) {
	r := mount(t, fuse.Options{})
	for name, command := range map[string]string{
		"write": "echo x >> write", "truncate": ": > truncate", "append": "echo x >> append",
	} {
		must(t, os.WriteFile(r.path(name), []byte("x"), 0o600))
		must(t, unix.Chown(r.path(name), 4243, 4243))
		must(t, unix.Chmod(r.path(name), 0o6777))
		must(t, r.as(t, 4242, command))
		if st := mode(t, r.under(name)); st.Mode&07777 != 0o777 {
			t.Errorf("%s by another user: mode %o, want 777", name, st.Mode&07777)
		}
	}
}

func TestLocksOfTwoDescriptors(t *testing.T) {
	r := mount(t, fuse.Options{})
	f, g := r.create(t, "f", 0), r.create(t, "f", 0)
	must(t, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB))
	if err := unix.Flock(int(g.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("second flock: %v, want EWOULDBLOCK", err)
	}
	must(t, unix.Flock(int(f.Fd()), unix.LOCK_UN))
	must(t, unix.Flock(int(g.Fd()), unix.LOCK_EX|unix.LOCK_NB))
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	must(t, unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock))
	if err := unix.FcntlFlock(g.Fd(), unix.F_OFD_SETLK, &lock); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("second record lock: %v, want EAGAIN", err)
	}
}

func TestStatfs(t *testing.T) {
	r := mount(t, fuse.Options{})
	var got, want unix.Statfs_t
	must(t, unix.Statfs(r.dir, &got))
	must(t, unix.Fstatfs(int(r.held.Fd()), &want))
	if got.Blocks != want.Blocks || got.Bsize != want.Bsize || got.Files != want.Files || got.Namelen != want.Namelen || got.Frsize != want.Frsize {
		t.Errorf("statfs: %+v, under the mount %+v", got, want)
	}
	if r.conn.Path() != r.dir || r.conn.Features()&fuse.FeatureBigWrites == 0 {
		t.Errorf("connection: %+v", r.conn.State())
	}
}

func TestIoctlIsRefused(t *testing.T) {
	r := mount(t, fuse.Options{})
	f := r.create(t, "f", 0)
	if _, err := unix.IoctlGetInt(int(f.Fd()), 0x12345678); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("ioctl: %v, want ENOTTY", err)
	}
}
