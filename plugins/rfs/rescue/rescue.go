// Package rescue keeps what a node wrote apart before another node's data
// replace it: whole copies of every file that may hold such writes, in a dated
// folder of the plugin's own directory.
package rescue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/blocks"
	"github.com/safehold/safehold/plugins/rfs/dirty"
)

// ErrNoRoom is wrapped when the copies do not fit.
var ErrNoRoom = errors.New("no room in the rescue area")

type item struct {
	dir int
	rel string
	st  unix.Stat_t
}

// Keep copies every file that the tracker or a missing identity says may have
// been written apart to <stateDir>/rescue/<UTC date>/<number of the directory>/,
// holes as holes, shared with the original where the file system can. It is on
// disk when Keep returns the folder and the number of files. Nothing is kept in
// part: on error the folder is removed.
func Keep(ctx context.Context, stateDir string, roots []*backing.Root, filters []*backing.Filter, t *dirty.Tracker, now time.Time) (string, int, error) {
	items, need, err := find(ctx, roots, filters, t)
	if err != nil || len(items) == 0 {
		return "", 0, err
	}
	dest := filepath.Join(stateDir, "rescue", now.UTC().Format("20060102T150405.000Z"))
	if err := os.MkdirAll(dest, 0o700); err != nil {
		return "", 0, fmt.Errorf("make rescue area: %w", err)
	}
	k := keeper{dest: dest, roots: roots}
	if err := k.all(ctx, items, need); err != nil {
		return "", 0, errors.Join(fmt.Errorf("keep what this node wrote apart: %w", err), os.RemoveAll(dest))
	}
	return dest, len(items), nil
}

func find(ctx context.Context, roots []*backing.Root, filters []*backing.Filter, t *dirty.Tracker) ([]item, int64, error) {
	var items []item
	var need int64
	for i, r := range roots {
		err := r.Walk("", func(rel string, st *unix.Stat_t) (bool, error) {
			dir := st.Mode&unix.S_IFMT == unix.S_IFDIR
			if !filters[i].Replicated(rel, dir) {
				return false, nil
			}
			if st.Mode&unix.S_IFMT == unix.S_IFREG && apart(r, rel, t, dirty.Key{Dir: uint16(i), Ino: st.Ino}) {
				items = append(items, item{i, rel, *st})
				need += st.Blocks * 512
			}
			return true, ctx.Err()
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return items, need, nil
}

func apart(r *backing.Root, rel string, t *dirty.Tracker, k dirty.Key) bool {
	if len(t.Ranges(k)) > 0 {
		return true
	}
	o, err := r.Object(rel)
	if err != nil {
		return true
	}
	defer o.Close()
	return o.ContentID().IsZero()
}

type keeper struct {
	dest    string
	roots   []*backing.Root
	noClone bool
}

func (k *keeper) all(ctx context.Context, items []item, need int64) error {
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := k.one(it, need); err != nil {
			return fmt.Errorf("%s: %w", backing.Join(k.roots[it.dir].Path, it.rel), err)
		}
	}
	d, err := os.Open(k.dest)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}

func (k *keeper) one(it item, need int64) error {
	path := filepath.Join(k.dest, fmt.Sprint(it.dir), filepath.FromSlash(it.rel))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	from, err := k.roots[it.dir].Open(it.rel, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NOATIME, 0)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := k.content(int(to.Fd()), from, need); err != nil {
		return err
	}
	return backing.Object{FD: int(to.Fd())}.Impose(backing.WireAttr(&it.st), ^uint32(0))
}

// content clones, or checks once that copies of everything fit, and copies.
func (k *keeper) content(to, from int, need int64) error {
	if !k.noClone {
		if unix.IoctlFileClone(to, from) == nil {
			return nil
		}
		var st unix.Statfs_t
		if err := unix.Statfs(k.dest, &st); err != nil {
			return err
		}
		if free := int64(st.Bavail) * st.Bsize; free < need+need/20 {
			return fmt.Errorf("%w: %d bytes are needed, %d are free: make room in %s and start again", ErrNoRoom, need, free, filepath.Dir(k.dest))
		}
		k.noClone = true
	}
	return blocks.Copy(to, from)
}
