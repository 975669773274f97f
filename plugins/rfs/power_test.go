package rfs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
)

// disk is a small file system of its own under a node's directory and state,
// whose power can be cut.
type disk struct {
	t            *testing.T
	image, mount string
}

// onDisk moves a node that was never started onto a disk of its own.
func onDisk(t *testing.T, n *node) *disk {
	t.Helper()
	d := &disk{t, filepath.Join(t.TempDir(), "image"), filepath.Join(t.TempDir(), "disk")}
	f, err := os.Create(d.image)
	must(t, err)
	must(t, f.Truncate(192<<20))
	f.Close()
	run(t, "mkfs.ext4", "-q", "-F", d.image)
	must(t, os.Mkdir(d.mount, 0o700))
	t.Cleanup(func() { _ = unix.Unmount(d.mount, unix.MNT_DETACH) })
	d.plug()
	n.dir, n.state = filepath.Join(d.mount, "data"), filepath.Join(d.mount, "state")
	must(t, os.Mkdir(n.dir, 0o755))
	n.cfg.Dirs[0].Path, n.cfg.StateDir = n.dir, n.state
	return d
}

func (d *disk) plug() { run(d.t, "mount", "-o", "loop", d.image, d.mount) }

// cut drops everything that is not on the medium, the journal's buffers included.
func (d *disk) cut() {
	d.t.Helper()
	f, err := os.Open(d.mount)
	must(d.t, err)
	defer f.Close()
	const shutdown, noLogFlush = 0x8004587d, 2
	flags := uint32(noLogFlush)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&flags))); e != 0 {
		d.t.Fatalf("cut the power: %v", e)
	}
}

// replug mounts what is on the medium, as after a reboot. It is a copy, because
// the file system that was cut lives on as long as anybody's mount namespace has it.
func (d *disk) replug() {
	d.t.Helper()
	must(d.t, unix.Unmount(d.mount, unix.MNT_DETACH))
	medium := d.image + "'"
	run(d.t, "cp", "--sparse=always", d.image, medium)
	d.image = medium
	d.plug()
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func TestPowerCutOfBothNodes(t *testing.T) {
	a, b := stopped(t)
	da, db := onDisk(t, a), onDisk(t, b)
	a.child, b.child = &child{}, &child{}
	a.start()
	b.start()
	a.alone(1)
	write(t, a.path("image"), text(48<<20))
	must(t, os.Mkdir(a.path("s"), 0o755))
	b.second(1)
	b.wait(api.SyncDone)
	a.wait(api.PeerReady)
	for round := range 3 {
		now, stop := scribble(a.path("s"))
		until(t, "files to appear", func() bool { _, err := os.Stat(a.path("s/s4")); return err == nil })
		scatter(t, a.path("image"), uint64(round))
		// Only what was acknowledged before counts: an fsync that meets the cut may
		// succeed in vain on ext4 itself.
		acked := now()
		da.cut()
		db.cut()
		stop()
		a.kill()
		b.kill()
		da.replug()
		db.replug()
		for name, want := range acked {
			var x, y int
			got := read(t, name)
			_, _ = fmt.Sscanf(want, "%d", &y)
			if _, err := fmt.Sscanf(got, "%d", &x); err == nil && x < y {
				t.Errorf("%s: %q, synchronised %q", name, got, want)
			}
		}
		a.start()
		b.start()
		epoch := uint64(round + 2)
		a.assign(api.Assignment{Role: api.DataPrimary, Epoch: epoch})
		st := rejoin(t, a, b, epoch, api.Assignment{})
		if round > 0 && st.Compared > 44<<20 {
			t.Logf("%d bytes were compared", st.Compared)
		}
		a.idle(epoch)
		b.idle(epoch)
		same(t, a, b)
		a.assign(api.Assignment{Role: api.DataPrimary, Epoch: epoch})
		rejoin(t, a, b, epoch, api.Assignment{})
	}
}

func TestPowerCutOfTheSecondary(t *testing.T) {
	a, b := stopped(t)
	db := onDisk(t, b)
	b.child = &child{}
	a.start()
	b.start()
	write(t, a.path("image"), text(48<<20))
	together(t, a, b)
	for round := range 2 {
		scatter(t, a.path("image"), uint64(round))
		write(t, a.path(fmt.Sprintf("new%d", round)), text(100000))
		a.forget()
		db.cut()
		b.kill()
		a.wait(api.PeerLost)
		detach(t, a)
		db.replug()
		b.start()
		rejoin(t, a, b, 1, api.Assignment{})
	}
	a.idle(1)
	b.idle(1)
	same(t, a, b)
}

// scatter overwrites small pieces of a file without synchronising it.
func scatter(t *testing.T, path string, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	for i := range 200 {
		_, err := f.WriteAt([]byte(fmt.Sprintf("round %d piece %d ", seed, i)), r.Int64N(12<<20))
		must(t, err)
	}
}
