package resync

import (
	"slices"
	"strings"

	"github.com/safehold/safehold/plugins/rfs/dirty"
)

// Touched remembers a directory to be compared again.
func (r *run) Touched(dir uint16, rel string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed[dirKey{dir, rel}] = struct{}{}
}

// Wrote remembers a file whose map will hold what is being written.
func (r *run) Wrote(dir uint16, rel string, ino uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record(dirty.Key{Dir: dir, Ino: ino}, rel)
}

// Moved remembers a rename after the secondary began to follow.
func (r *run) Moved(dir uint16, from, to string, exchange bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event{dir: dir, from: from, to: to, exchange: exchange})
}

// Linked remembers a new name after the secondary began to follow.
func (r *run) Linked(dir uint16, from, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event{dir: dir, from: from, to: to, link: true})
}

// where gives the paths a file may be under now.
func (r *run) where(rec *record) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	paths := slices.Clone(rec.paths)
	for _, e := range r.events {
		if e.dir != rec.key.Dir {
			continue
		}
		for _, p := range paths {
			if q, ok := under(p, e.from, e.to); ok {
				paths = append(paths, q)
			} else if q, ok := under(p, e.to, e.from); ok && e.exchange {
				paths = append(paths, q)
			}
		}
	}
	slices.Reverse(paths) // the newest name is the likeliest
	return paths
}

// under moves a path that is from, or below it, to to.
func under(p, from, to string) (string, bool) {
	if p == from {
		return to, true
	}
	if rest, ok := strings.CutPrefix(p, from+"/"); ok {
		return to + "/" + rest, true
	}
	return "", false
}
