package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// DiskSize of each node, bytes; images are sparse.
const DiskSize = 8 << 30

// Options say what lab to make.
type Options struct {
	Dir     string // where the disks live; made and removed by the lab
	ID      string // short, unique on the machine; names the switch's namespace
	Product string // folder with the built safekit and .safe files
}

// Lab is two nodes and what joins them. It is used by one goroutine.
type Lab struct {
	Nodes  []*Node
	dir    string
	fabric *fabric
}

// New makes the lab and powers both nodes on with the product installed.
// Close it in any case, also when New fails half way it has cleaned up.
func New(ctx context.Context, o Options) (*Lab, error) {
	if err := Requirements(); err != nil {
		return nil, err
	}
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make lab: %w", err)
	}
	l := &Lab{dir: o.Dir}
	if err := l.build(ctx, o); err != nil {
		return nil, errors.Join(err, l.Close(context.WithoutCancel(ctx)))
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context, o Options) (err error) {
	if l.fabric, err = newFabric(ctx, o.ID); err != nil {
		return err
	}
	for number := 1; number <= 2; number++ {
		n := &Node{Number: number, Name: fmt.Sprintf("node%d", number), lab: l}
		if n.disk, err = createDisk(ctx, filepath.Join(o.Dir, n.Name+".img"), DiskSize); err != nil {
			return err
		}
		l.Nodes = append(l.Nodes, n)
		if err := n.PowerOn(ctx); err != nil {
			return err
		}
		if err := n.install(ctx, o.Product); err != nil {
			return err
		}
	}
	return nil
}

// Close ends both nodes and leaves nothing behind.
func (l *Lab) Close(ctx context.Context) error {
	var errs []error
	for _, n := range l.Nodes {
		if n.Running() {
			errs = append(errs, n.end(ctx))
		}
	}
	if l.fabric != nil {
		errs = append(errs, l.fabric.close(ctx))
	}
	errs = append(errs, os.RemoveAll(l.dir))
	return errors.Join(errs...)
}

// Requirements says what this machine lacks for a lab, or nil.
func Requirements() error {
	if os.Geteuid() != 0 {
		return errors.New("the lab makes namespaces and mounts: run as root")
	}
	for _, dev := range []string{"/dev/fuse", "/dev/loop-control"} {
		if _, err := os.Stat(dev); err != nil {
			return fmt.Errorf("the lab needs %s: load its kernel module", dev)
		}
	}
	return nil
}
