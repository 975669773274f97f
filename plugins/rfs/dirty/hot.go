package dirty

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Extent is the size in bytes of what the activity log remembers.
const Extent = 4 << 20

// ahead is how many extents are logged at once when the first of them is
// touched, so that a sequential writer waits for the disk once per 32 MiB.
const ahead = 8

type extent struct {
	key Key
	n   int64
}

type extentUse struct {
	busy int    // operations between Begin and End
	last uint64 // clock of the last End
}

// Hot is the activity log: the extents that may differ from the peer after a
// power cut. It is safe for concurrent use.
type Hot struct {
	path string

	mu      sync.Mutex // guards everything below
	cond    *sync.Cond
	file    *os.File
	extents map[extent]*extentUse
	clock   uint64
	past    []uint64 // clocks of the last calls of Age
	size    int64    // of the file
	written uint64   // records appended, and how many of them are on disk
	synced  uint64
	syncing bool
	err     error // the log cannot be written any more
}

const (
	hotMagic  = "SFHOT001"
	hotRecord = 2 + 8 + 8 + 4
	hotLimit  = 4 << 20 // the file is rewritten when it grew beyond
)

// OpenHot opens the log in dir and gives what it holds: what was hot when the
// last process ended.
func OpenHot(dir string) (*Hot, []Key, []Range, error) {
	h := &Hot{path: filepath.Join(dir, "hot.log"), extents: map[extent]*extentUse{}}
	h.cond = sync.NewCond(&h.mu)
	b, err := os.ReadFile(h.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil, fmt.Errorf("read activity log: %w", err)
	}
	found, err := parseHot(b)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read activity log %s: %w", h.path, err)
	}
	var keys []Key
	var ranges []Range
	for _, x := range found {
		h.extents[x] = &extentUse{}
		keys, ranges = append(keys, x.key), append(ranges, Range{x.n * Extent, Extent})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h, keys, ranges, h.rewrite()
}

// parseHot reads records up to the first that is not whole: the log is
// appended to, so only its end can be torn.
func parseHot(b []byte) ([]extent, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) < len(hotMagic) || string(b[:len(hotMagic)]) != hotMagic {
		return nil, fmt.Errorf("%w: not an activity log", ErrCorrupt)
	}
	var out []extent
	for r := b[len(hotMagic):]; len(r) >= hotRecord; r = r[hotRecord:] {
		if crc32.ChecksumIEEE(r[:18]) != binary.LittleEndian.Uint32(r[18:]) {
			break
		}
		n := int64(binary.LittleEndian.Uint64(r[10:]))
		if n < 0 || n > (1<<62)/Extent {
			return nil, fmt.Errorf("%w: extent %d", ErrCorrupt, n)
		}
		out = append(out, extent{Key{binary.LittleEndian.Uint16(r), binary.LittleEndian.Uint64(r[2:])}, n})
	}
	return out, nil
}

func (x extent) record() []byte {
	b := binary.LittleEndian.AppendUint16(make([]byte, 0, hotRecord), x.key.Dir)
	b = binary.LittleEndian.AppendUint64(b, x.key.Ino)
	b = binary.LittleEndian.AppendUint64(b, uint64(x.n))
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// Begin makes sure that the extents of [off, off+n) are in the log, on disk,
// before it returns. Each Begin that succeeded is matched by one End.
func (h *Hot) Begin(k Key, off, n int64) error {
	first, last := span(off, n)
	h.mu.Lock()
	defer h.mu.Unlock()
	var fresh []byte
	for e := first; e <= last; e++ {
		x := extent{k, e}
		if h.extents[x] == nil {
			h.extents[x] = &extentUse{}
			fresh = append(fresh, x.record()...)
		}
		h.extents[x].busy++
	}
	if fresh != nil && first > 0 {
		fresh = append(fresh, h.readAhead(k, last)...)
	}
	err := h.append(fresh)
	if err == nil {
		err = h.waitSynced(h.written)
	}
	if err != nil {
		h.endLocked(k, first, last)
	}
	return err
}

// readAhead adds the extents that a sequential writer will need next.
func (h *Hot) readAhead(k Key, last int64) []byte {
	var b []byte
	for e := last + 1; e < last+ahead; e++ {
		x := extent{k, e}
		if h.extents[x] == nil {
			h.extents[x] = &extentUse{last: h.clock}
			b = append(b, x.record()...)
		}
	}
	return b
}

// End says that the operation announced by Begin touches nothing any more.
func (h *Hot) End(k Key, off, n int64) {
	first, last := span(off, n)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.endLocked(k, first, last)
}

func (h *Hot) endLocked(k Key, first, last int64) {
	h.clock++
	for e := first; e <= last; e++ {
		if u := h.extents[extent{k, e}]; u != nil {
			u.busy--
			u.last = h.clock
		}
	}
}

// span gives the first and the last extent of [off, off+n).
func span(off, n int64) (int64, int64) {
	if n <= 0 {
		n = 1
	}
	return off / Extent, (off + n - 1) / Extent
}

func (h *Hot) append(b []byte) error {
	if h.err != nil || len(b) == 0 {
		return h.err
	}
	if _, err := h.file.Write(b); err != nil {
		h.err = fmt.Errorf("write activity log: %w", err)
		return h.err
	}
	h.size += int64(len(b))
	h.written += uint64(len(b) / hotRecord)
	return nil
}

// waitSynced waits until record n is on disk; one caller synchronises for all.
func (h *Hot) waitSynced(n uint64) error {
	for h.synced < n && h.err == nil {
		if h.syncing {
			h.cond.Wait()
			continue
		}
		h.syncing = true
		upTo, fd := h.written, int(h.file.Fd())
		h.mu.Unlock()
		err := unix.Fdatasync(fd)
		h.mu.Lock()
		h.syncing = false
		if err != nil {
			h.err = fmt.Errorf("synchronise activity log: %w", err)
		} else {
			h.synced = max(h.synced, upTo)
		}
		h.cond.Broadcast()
	}
	return h.err
}

// Clock gives the time to pass to Prune.
func (h *Hot) Clock() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

// Prune forgets extents that nobody used since clock. The caller knows that all
// before it is on both disks, or in a saved map.
func (h *Hot) Prune(clock uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for x, u := range h.extents {
		if u.busy == 0 && u.last <= clock {
			delete(h.extents, x)
		}
	}
	if h.size > hotLimit || len(h.extents) == 0 && h.size > int64(len(hotMagic)) {
		return h.rewrite()
	}
	return nil
}

// Age forgets extents that nobody used for several calls, or since clock when the
// log grew large: an extent that is written again soon then costs no wait for the
// disk. The caller knows the same as of Prune.
func (h *Hot) Age(clock uint64) error {
	const calls, large = 6, 8192
	h.mu.Lock()
	h.past = append(h.past, clock)
	if len(h.past) > calls {
		h.past = h.past[1:]
	}
	if len(h.extents) <= large {
		clock = 0
		if len(h.past) == calls {
			clock = h.past[0]
		}
	}
	h.mu.Unlock()
	if clock == 0 {
		return nil
	}
	return h.Prune(clock)
}

// Len is the number of hot extents.
func (h *Hot) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.extents)
}

// rewrite replaces the file by one that holds only what is hot now.
func (h *Hot) rewrite() error {
	for h.syncing {
		h.cond.Wait()
	}
	tmp := h.path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("rewrite activity log: %w", err)
	}
	b := []byte(hotMagic)
	for x := range h.extents {
		b = append(b, x.record()...)
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(tmp, h.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(h.path))
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("rewrite activity log: %w", err)
	}
	if h.file != nil {
		h.file.Close()
	}
	h.file, h.size, h.synced = f, int64(len(b)), h.written
	return nil
}

// Close closes the file; the log stays on disk.
func (h *Hot) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = io.ErrClosedPipe
	return h.file.Close()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
