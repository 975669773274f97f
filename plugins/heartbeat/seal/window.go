package seal

// windowSize is how far datagrams may overtake each other.
const windowSize = 64

// window remembers which of the newest counters were seen: bit i of seen
// stands for top-i.
type window struct {
	top  uint64
	seen uint64
}

// startWindow takes everything up to top as seen.
func startWindow(top uint64) window { return window{top: top, seen: ^uint64(0)} }

// accept tells whether a counter is new, and notes it.
func (w *window) accept(counter uint64) bool {
	if counter > w.top {
		if by := counter - w.top; by < windowSize {
			w.seen <<= by
		} else {
			w.seen = 0
		}
		w.top = counter
		w.seen |= 1
		return true
	}
	back := w.top - counter
	if back >= windowSize || w.seen&(1<<back) != 0 {
		return false
	}
	w.seen |= 1 << back
	return true
}
