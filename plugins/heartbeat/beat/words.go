package beat

import "slices"

// ID names one life of the peer's process.
type ID [16]byte

// maxRetired is how many earlier lives of the peer are remembered.
const maxRetired = 64

// Words keeps the newest payload of the peer over several links, on which
// datagrams may overtake each other. The zero value knows nothing.
type Words struct {
	life    ID
	version uint64 // 0: nothing was published in this life
	payload []byte
	quiet   bool // all links were down since the last word
	retired []ID
}

// Known tells whether a life may still speak: one that was followed by another may not.
func (w *Words) Known(life ID) bool { return !slices.Contains(w.retired, life) }

// Offer takes a payload that arrived and tells whether it is news: newer than
// all before, or the first after silence.
func (w *Words) Offer(life ID, version uint64, payload []byte) bool {
	switch {
	case !w.Known(life):
		return false
	case life != w.life:
		if w.life != (ID{}) {
			w.retired = append(w.retired, w.life)
			w.retired = w.retired[max(0, len(w.retired)-maxRetired):]
		}
		w.life, w.version, w.payload = life, 0, nil
	case version < w.version:
		return false
	}
	news := version > w.version || (w.quiet && version > 0)
	w.quiet = false
	if version > w.version {
		w.version, w.payload = version, slices.Clone(payload)
	}
	return news
}

// Silence notes that all links are down.
func (w *Words) Silence() { w.quiet = true }

// Payload gives the newest payload, false when there is none in the peer's present life.
func (w *Words) Payload() ([]byte, bool) { return w.payload, w.version > 0 }
