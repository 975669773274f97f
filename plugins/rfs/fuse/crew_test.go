package fuse

import (
	"sync"
	"testing"
)

// meeting answers writes only when all that are expected have come.
type meeting struct {
	Unimplemented
	all *sync.WaitGroup
}

func (m meeting) Write(r WriteRequest) {
	m.all.Done()
	m.all.Wait()
	_ = r.Reply(len(r.Data))
}

// TestReadersGrow has handlers wait on their readers for each other.
func TestReadersGrow(t *testing.T) {
	const most = 8
	m := meeting{all: &sync.WaitGroup{}}
	k := serveFakeWith(t, m, Options{Readers: 1, MaxReaders: most})
	m.all.Add(most)
	for range most {
		k.send(t, k.message(opWrite, 2, writeBody(1, 0, []byte("data"))))
	}
	for range most {
		if _, errno, _ := k.answer(t); errno != 0 {
			t.Fatal(errno)
		}
	}
}

func TestCrew(t *testing.T) {
	c := &crew{least: 2, most: 4}
	c.size.Store(2)
	for i, want := range []bool{true, true, false} {
		if c.grow() != want {
			t.Fatalf("growth %d: %v, want %v", i, !want, want)
		}
	}
	c.idle.Store(1)
	for range 2 * spareLimit {
		if c.surplus() {
			t.Fatal("a reader left although too few were idle")
		}
	}
	c.idle.Store(3)
	for i := range 2 * spareLimit {
		if left := c.surplus(); left != (i%spareLimit == spareLimit-1) {
			t.Fatalf("request %d: left %v", i, left)
		}
	}
	for range 2 * spareLimit {
		if c.surplus() {
			t.Fatal("a reader left below the least")
		}
	}
}
