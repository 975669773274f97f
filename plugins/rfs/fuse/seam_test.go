package fuse

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// keeper takes requests over and leaves the answer to the test.
type keeper struct {
	Unimplemented
	writes  chan WriteRequest
	reads   chan ReadRequest
	lookups chan LookupRequest
}

func newKeeper() keeper {
	return keeper{writes: make(chan WriteRequest, 64), reads: make(chan ReadRequest, 64), lookups: make(chan LookupRequest, 64)}
}

func (k keeper) Write(r WriteRequest)   { k.writes <- r }
func (k keeper) Read(r ReadRequest)     { k.reads <- r }
func (k keeper) Lookup(r LookupRequest) { k.lookups <- r }

func readBody(handle, off uint64, size uint32) []byte {
	b := make([]byte, 40)
	putU64(b, 0, handle)
	putU64(b, 8, off)
	putU32(b, 16, size)
	return b
}

func TestSecondAnswerIsRefused(t *testing.T) {
	h := newKeeper()
	k := serveFake(t, h)
	k.send(t, k.message(opLookup, 1, []byte("name\x00")))
	r := <-h.lookups
	if r.Name != "name" || r.UID != 1000 || r.GID != 1001 || r.PID != 1002 || r.Node != RootID {
		t.Fatalf("lookup: %+v", r)
	}
	if err := r.Reply(Entry{Node: 7}); err != nil {
		t.Fatal(err)
	}
	// The slot is used again by the next request; the old copy must not
	// answer that one.
	k.send(t, k.message(opLookup, 1, []byte("other\x00")))
	next := <-h.lookups
	for what, err := range map[string]error{
		"reply": r.Reply(Entry{Node: 8}), "error": r.ReplyError(unix.EPERM), "zero": Request{}.ReplyError(unix.EPERM),
	} {
		if !errors.Is(err, ErrReplied) {
			t.Errorf("second answer (%s): %v, want ErrReplied", what, err)
		}
	}
	if err := next.ReplyError(fmt.Errorf("look: %w", unix.ENOENT)); err != nil {
		t.Fatal(err)
	}
	if u, errno, body := k.answer(t); u != r.Unique || errno != 0 || getU64(body, 0) != 7 {
		t.Fatalf("first answer: %d %v", u, errno)
	}
	if u, errno, _ := k.answer(t); u != next.Unique || errno != unix.ENOENT {
		t.Fatalf("second answer: %d %v", u, errno)
	}
}

func TestOnlyOneOfManyAnswersWins(t *testing.T) {
	h := newKeeper()
	k := serveFake(t, h)
	for range 100 {
		k.send(t, k.message(opWrite, 2, writeBody(1, 0, []byte("data"))))
		r := <-h.writes
		won := make(chan error, 8)
		var wg sync.WaitGroup
		for range cap(won) {
			wg.Go(func() { won <- r.Reply(4) })
		}
		wg.Wait()
		close(won)
		n := 0
		for err := range won {
			if err == nil {
				n++
			} else if !errors.Is(err, ErrReplied) {
				t.Fatal(err)
			}
		}
		if n != 1 {
			t.Fatalf("%d answers were taken, want 1", n)
		}
		if u, errno, _ := k.answer(t); u != r.Unique || errno != 0 {
			t.Fatalf("answer %d %v", u, errno)
		}
	}
}

func TestRetainedDataOutlivesTheAnswer(t *testing.T) {
	h := newKeeper()
	k := serveFake(t, h)
	data := bytes.Repeat([]byte{0xaa}, 5000)
	k.send(t, k.message(opWrite, 2, writeBody(1, 0, data)))
	kept := <-h.writes
	if uintptr(unsafe.Pointer(&kept.Data[0]))%pageSize != 0 {
		t.Error("data do not start on a page boundary")
	}
	if err := kept.Retain(); err != nil {
		t.Fatal(err)
	}
	if err := kept.Retain(); !errors.Is(err, ErrReplied) {
		t.Errorf("second retain: %v", err)
	}
	if err := kept.Reply(len(data)); err != nil {
		t.Fatal(err)
	}
	k.answer(t)
	for i := range 3000 { // many times around the memory
		k.send(t, k.message(opWrite, 2, writeBody(1, 0, bytes.Repeat([]byte{byte(i)}, 5000))))
		r := <-h.writes
		if err := r.Reply(len(r.Data)); err != nil {
			t.Fatal(err)
		}
		k.answer(t)
	}
	if !bytes.Equal(kept.Data, data) {
		t.Fatal("retained data changed")
	}
	if err := kept.Release(); err != nil {
		t.Fatal(err)
	}
	if err := kept.Release(); !errors.Is(err, ErrReplied) {
		t.Errorf("second release: %v", err)
	}
	if err := kept.Retain(); !errors.Is(err, ErrReplied) {
		t.Errorf("retain after the answer: %v", err)
	}
}

func TestReadBuffer(t *testing.T) {
	h := newKeeper()
	k := serveFake(t, h)
	k.send(t, k.message(opRead, 2, readBody(1, 0, 2048)))
	r := <-h.reads
	b := r.Buffer()
	if len(b) != 2048 || uintptr(unsafe.Pointer(&b[0]))%pageSize != 0 {
		t.Fatalf("buffer of %d bytes at %p", len(b), &b[0])
	}
	if err := r.Reply(append(b[:0], "hello"...)); err != nil {
		t.Fatal(err)
	}
	if _, errno, body := k.answer(t); errno != 0 || string(body) != "hello" {
		t.Fatalf("answer %v %q", errno, body)
	}
	if r.Buffer() != nil {
		t.Error("buffer of an answered request")
	}
	k.send(t, k.message(opRead, 2, readBody(1, 0, 8)))
	r = <-h.reads
	if err := r.Reply(make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	if _, errno, _ := k.answer(t); errno != unix.EIO {
		t.Fatalf("too long an answer gave %v, want EIO", errno)
	}
}

func TestErrorNumbers(t *testing.T) {
	for _, c := range []struct {
		err  error
		want unix.Errno
	}{
		{nil, unix.EIO}, {errors.New("odd"), unix.EIO}, {unix.ENOSPC, unix.ENOSPC},
		{fmt.Errorf("write: %w", unix.EDQUOT), unix.EDQUOT}, {unix.Errno(0), unix.EIO}, {unix.Errno(512), unix.EIO},
	} {
		if got := toErrno(c.err); got != c.want {
			t.Errorf("toErrno(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

// writer answers data calls at once.
type writer struct{ Unimplemented }

func (writer) Write(r WriteRequest) { _ = r.Reply(len(r.Data)) }
func (writer) Read(r ReadRequest)   { _ = r.Reply(r.Buffer()) }

func TestDataCallsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Log("pools drop objects at random under the race detector: only correctness is checked")
	}
	k := serveFake(t, writer{})
	write := k.message(opWrite, 2, writeBody(1, 0, make([]byte, 4096)))
	read := k.message(opRead, 2, readBody(1, 0, 2048))
	for name, msg := range map[string][]byte{"write": write, "read": read} {
		step := func() {
			k.send(t, msg)
			if _, errno, _ := k.answer(t); errno != 0 {
				t.Fatal(errno)
			}
		}
		step()
		// A garbage collection empties the pools now and then, so a small
		// fraction is allowed.
		if got := testing.AllocsPerRun(2000, step); got >= 0.5 && !raceEnabled {
			t.Errorf("%s: %v allocations per call, want 0", name, got)
		}
	}
}

func BenchmarkWrite4K(b *testing.B) {
	k := serveFake(b, writer{})
	msg := k.message(opWrite, 2, writeBody(1, 0, make([]byte, 4096)))
	b.ReportAllocs()
	b.SetBytes(4096)
	for b.Loop() {
		k.send(b, msg)
		k.answer(b)
	}
}
