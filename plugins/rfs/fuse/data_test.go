package fuse_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// pages returns n page-aligned bytes.
func pages(n int) []byte {
	b := make([]byte, n+4096)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & 4095
	return b[skip : skip+n]
}

func fill(b []byte, seed uint64) {
	r := rand.NewPCG(seed, 1)
	for ; len(b) >= 8; b = b[8:] {
		binary.NativeEndian.PutUint64(b, r.Uint64())
	}
}

// create opens a new file below the mount for reading and writing.
func (r *rig) create(t testing.TB, name string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(r.path(name), os.O_RDWR|os.O_CREATE|flags, 0o644)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// check compares the file under the mount with want.
func (r *rig) check(t testing.TB, name string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(r.under(name))
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes under the mount differ from the %d written", name, len(got), len(want))
	}
}

func TestDirectIO(t *testing.T) {
	r := mount(t, fuse.Options{})
	f := r.create(t, "f", unix.O_DIRECT)
	want := pages(3<<20 + 4096) // several requests, the last one short
	fill(want, 1)
	_, err := f.WriteAt(want, 0)
	must(t, err)
	r.check(t, "f", want)
	got := pages(len(want))
	if n, err := f.ReadAt(got, 0); err != nil || n != len(got) || !bytes.Equal(got, want) {
		t.Fatalf("read back %d bytes: %v", n, err)
	}
	if n, err := f.ReadAt(got[:8192], int64(len(want)-4096)); n != 4096 || !errors.Is(err, io.EOF) {
		t.Fatalf("read across the end: %d %v", n, err)
	}
}

// mmapEnv makes the test binary fill the file it names through a mapping. A page
// fault stops a thread where the Go scheduler cannot see it, so a process must
// not map files of a mount it serves itself.
const (
	mmapEnv  = "FUSE_TEST_MMAP"
	mmapSize = 1 << 20
)

func childMmap(file string) {
	flags := unix.O_RDWR | unix.O_CLOEXEC
	if strings.HasSuffix(file, "direct") {
		flags |= unix.O_DIRECT // shared mappings of such a handle need FeatureDirectIOMmap
	}
	fd, err := unix.Open(file, flags, 0)
	if err != nil {
		panic(err)
	}
	m, err := unix.Mmap(fd, 0, mmapSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	fill(m, 2)
	if err := errors.Join(unix.Msync(m, unix.MS_SYNC), unix.Munmap(m), unix.Close(fd)); err != nil {
		panic(err)
	}
}

func TestMmap(t *testing.T) {
	r := mount(t, fuse.Options{})
	want := make([]byte, mmapSize)
	fill(want, 2)
	for name, flags := range map[string]int{"cached": 0, "direct": unix.O_DIRECT} {
		f := r.create(t, name, flags)
		must(t, f.Truncate(mmapSize))
		c := exec.Command("/proc/self/exe")
		c.Env = append(os.Environ(), mmapEnv+"="+r.path(name))
		c.Stderr = os.Stderr
		must(t, c.Run())
		r.check(t, name, want)
		got := pages(mmapSize)
		if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: read after the mapping was written: %v", name, err)
		}
	}
}

func TestHoles(t *testing.T) {
	r := mount(t, fuse.Options{})
	f := r.create(t, "f", 0)
	want := make([]byte, 1<<20)
	fill(want, 3)
	_, err := f.WriteAt(want, 0)
	must(t, err)
	must(t, f.Sync())
	must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 256<<10, 128<<10))
	clear(want[256<<10 : 384<<10])
	r.check(t, "f", want)
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the mount still shows the punched data: %v", err)
	}
	for _, c := range []struct {
		from   int64
		whence int
		want   int64
	}{{0, unix.SEEK_HOLE, 256 << 10}, {256 << 10, unix.SEEK_DATA, 384 << 10}, {384 << 10, unix.SEEK_HOLE, 1 << 20}} {
		off, err := unix.Seek(int(f.Fd()), c.from, c.whence)
		if err != nil || off != c.want {
			t.Errorf("seek %d from %d: %d %v, want %d", c.whence, c.from, off, err, c.want)
		}
	}
	must(t, unix.Fallocate(int(f.Fd()), 0, 2<<20, 1<<20))
	if st, err := f.Stat(); err != nil || st.Size() != 3<<20 {
		t.Fatalf("size after fallocate: %v %v", st.Size(), err)
	}
}

func TestCopyFileRange(t *testing.T) {
	r := mount(t, fuse.Options{})
	in, out := r.create(t, "in", 0), r.create(t, "out", 0)
	want := make([]byte, 2<<20)
	fill(want, 4)
	_, err := in.WriteAt(want, 0)
	must(t, err)
	for off := int64(0); off < int64(len(want)); {
		a, b := off, off
		n, err := unix.CopyFileRange(int(in.Fd()), &a, int(out.Fd()), &b, len(want)-int(off), 0)
		must(t, err)
		if n == 0 {
			t.Fatalf("copy stopped at %d", off)
		}
		off += int64(n)
	}
	r.check(t, "out", want)
}

func TestBigSparseFile(t *testing.T) {
	r := mount(t, fuse.Options{})
	f := r.create(t, "f", 0)
	const far = 5 << 30
	_, err := f.WriteAt([]byte("far away"), far)
	must(t, err)
	b := make([]byte, 8)
	_, err = f.ReadAt(b, far)
	must(t, err)
	st, err := os.Stat(r.under("f"))
	must(t, err)
	if string(b) != "far away" || st.Size() != far+8 {
		t.Fatalf("%q in %d bytes", b, st.Size())
	}
}

// TestParallelWriters lets several writers fill their own blocks of one file,
// cached and direct, through few readers, and compares every block.
func TestParallelWriters(t *testing.T) {
	for name, o := range map[string]fuse.Options{
		"shared":    {Readers: 3},
		"cloned":    {Readers: 3, CloneFDs: true, LockThreads: true},
		"writeback": {WritebackCache: true},
		"tiny":      {Readers: 1, MaxReaders: 1, MaxWrite: 4096, MaxBackground: 2, MaxNamespace: 1, MaxMemory: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := mount(t, o)
			r.create(t, "f", 0)
			const writers, blocks, size = 8, 60, 4096
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					f, err := os.OpenFile(r.path("f"), os.O_RDWR|w%2*unix.O_DIRECT, 0)
					if err != nil {
						t.Error(err)
						return
					}
					defer f.Close()
					b := pages(size)
					for i := range blocks {
						n := i*writers + w
						fill(b, uint64(n))
						if _, err := f.WriteAt(b, int64(n)*size); err != nil {
							t.Error(err)
						}
					}
					if err := f.Sync(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			want := make([]byte, writers*blocks*size)
			for n := range writers * blocks {
				fill(want[n*size:(n+1)*size], uint64(n))
			}
			r.check(t, "f", want)
		})
	}
}

// TestAnswersFromElsewhere has every write answered later, by another goroutine
// and out of order, while the data go to the file from retained memory.
func TestAnswersFromElsewhere(t *testing.T) {
	r := mountWith(t, fuse.Options{}, func(l *loopback) {
		l.onWrite = func(w fuse.WriteRequest) bool {
			if err := w.Retain(); err != nil {
				t.Errorf("retain: %v", err)
			}
			go func() {
				n, err := unix.Pwrite(l.file(w.Handle).fd, w.Data, w.Offset)
				if err != nil || n != len(w.Data) {
					t.Errorf("pwrite: %d %v", n, err)
				}
				if err := w.Reply(len(w.Data)); err != nil {
					t.Errorf("reply: %v", err)
				}
				if err := w.Release(); err != nil {
					t.Errorf("release: %v", err)
				}
			}()
			return true
		}
	})
	want := make([]byte, 8<<20)
	fill(want, 5)
	f := r.create(t, "f", 0)
	_, err := io.Copy(f, bytes.NewReader(want))
	must(t, err)
	must(t, f.Sync())
	got, err := os.ReadFile(r.path("f"))
	must(t, err)
	if sha256.Sum256(got) != sha256.Sum256(want) {
		t.Fatal("data differ")
	}
}
