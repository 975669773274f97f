package resync

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// remove removes on the secondary what is not here. With ask the secondary is
// asked first whether it agrees to lose so much.
func (r *run) remove(ctx context.Context, ask bool) error {
	r.mu.Lock()
	deletes := r.deletes
	r.deletes = map[dirKey][]string{}
	r.mu.Unlock()
	dirs := make(map[dirKey]struct{}, len(deletes))
	var plan wire.DeletePlan
	for d, names := range deletes {
		if len(names) == 0 {
			continue
		}
		dirs[d] = struct{}{}
		for _, n := range names {
			plan.Items = append(plan.Items, wire.DeleteItem{Dir: d.dir, Path: []byte(backing.Join(d.rel, n))})
		}
	}
	if len(plan.Items) == 0 {
		return nil
	}
	if ask {
		body := wire.Marshal(plan)
		if len(body) > wire.MaxPayload {
			return fmt.Errorf("remove %d names on the secondary: too many for one plan", len(plan.Items))
		}
		if err := r.answer(ctx, wire.TypeDelete, body, 0); err != nil {
			return err
		}
	}
	for _, d := range sortedDirs(dirs) {
		if err := r.removeIn(d, deletes[d]); err != nil {
			return err
		}
	}
	return nil
}

// removeIn removes names in one directory, unless they came to be meanwhile.
func (r *run) removeIn(d dirKey, names []string) error {
	root := r.Dirs[d.dir].Root
	self, err := root.Lstat(d.rel)
	if err != nil {
		return nil // the directory itself is gone: its parent removes it
	}
	for _, n := range names {
		rel := backing.Join(d.rel, n)
		if _, err := root.Lstat(rel); err == nil {
			continue
		}
		c := &wire.Change{Op: wire.OpRemove, Dir: d.dir, Path: rel, Parent: backing.WireTime(self.Mtim)}
		if err := r.send(c); err != nil {
			return err
		}
	}
	return nil
}

// links gives files with several names the same names on the secondary. The
// flow's Lock is held.
func (r *run) links() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.files {
		if len(rec.linked) == 0 {
			continue
		}
		if err := r.link(rec); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) link(rec *record) error {
	root := r.Dirs[rec.key.Dir].Root
	is := func(rel string) (unix.Stat_t, bool) {
		st, err := root.Lstat(rel)
		return st, err == nil && st.Ino == rec.key.Ino && st.Mode&unix.S_IFMT == unix.S_IFREG
	}
	led := rec.paths[0]
	rec.paths = slices.DeleteFunc(rec.paths, func(rel string) bool { _, ok := is(rel); return !ok })
	if len(rec.paths) == 0 {
		return nil
	}
	first := rec.paths[0]
	ino, known := rec.linked[first]
	if first != led { // what was learnt of the other name's content does not hold for this one
		rec.fresh, rec.whole = false, true
	}
	if !known || ino == 0 && !rec.fresh {
		// The name that was compared is gone; this one may not be there at all.
		if err := r.send(&wire.Change{Op: wire.OpRemove, Dir: rec.key.Dir, Path: first}); err != nil {
			return err
		}
		e, err := backing.Describe(root, first, "")
		if err != nil {
			return err
		}
		if err := r.create(rec.key.Dir, first, e); err != nil {
			return err
		}
		if err := r.setXattrs(rec.key.Dir, first, true); err != nil {
			return err
		}
		rec.fresh, ino = true, 0
	}
	for _, rel := range slices.Sorted(maps.Keys(rec.linked)) {
		if rel == first || ino != 0 && rec.linked[rel] == ino {
			continue
		}
		if _, ok := is(rel); !ok {
			continue
		}
		parent, _ := backing.Split(rel)
		st, err := root.Lstat(parent)
		if err != nil {
			return err
		}
		c := &wire.Change{Op: wire.OpLink, Dir: rec.key.Dir, Path: first, Path2: rel, Flags: 1, Parent2: backing.WireTime(st.Mtim)}
		if err := r.send(c); err != nil {
			return err
		}
	}
	return nil
}
