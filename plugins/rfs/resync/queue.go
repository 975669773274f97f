package resync

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// queue hands out directories until all that were found are done.
type queue struct {
	mu   sync.Mutex // guards everything below
	cond *sync.Cond
	list []dirKey
	busy int
	err  error
}

func newQueue(list []dirKey) *queue {
	q := &queue{list: list}
	q.cond = sync.NewCond(&q.mu)
	return q
}

func (q *queue) next(ctx context.Context) (dirKey, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) == 0 && q.busy > 0 && q.err == nil {
		q.cond.Wait()
	}
	if len(q.list) == 0 || q.err != nil || ctx.Err() != nil {
		return dirKey{}, false
	}
	d := q.list[0]
	q.list = q.list[1:]
	q.busy++
	return d, true
}

func (q *queue) done(more []dirKey, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
	q.list = append(q.list, more...)
	if q.err == nil {
		q.err = err
	}
	q.cond.Broadcast()
}

// sortedDirs gives parents before what is below them.
func sortedDirs(set map[dirKey]struct{}) []dirKey {
	return slices.SortedFunc(maps.Keys(set), func(a, b dirKey) int {
		if a.dir != b.dir {
			return int(a.dir) - int(b.dir)
		}
		if len(a.rel) != len(b.rel) {
			return len(a.rel) - len(b.rel)
		}
		if a.rel < b.rel {
			return -1
		}
		return 1
	})
}
