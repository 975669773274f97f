package dirty

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const block = 65536

func TestSetAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := NewSet(block), map[int64]bool{}
		k := Key{1, 2}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			off := rapid.Int64Range(0, 9000*block).Draw(t, "off")
			n := rapid.Int64Range(1, 300*block).Draw(t, "n")
			mark := rapid.Bool().Draw(t, "mark")
			for b := off / block; b <= (off+n-1)/block; b++ {
				model[b] = mark
			}
			if mark {
				s.Mark(k, off, n)
			} else {
				s.Clear(k, off, n)
			}
		}
		back, err := UnmarshalSet(s.Marshal(), block)
		if err != nil {
			t.Fatal(err)
		}
		got := map[int64]bool{}
		last := int64(-1)
		for _, r := range back.Ranges(k) {
			if r.Off <= last {
				t.Fatalf("ranges are not joined and ordered: %v", back.Ranges(k))
			}
			last = r.Off + r.Len
			for b := r.Off / block; b < (r.Off+r.Len)/block; b++ {
				got[b] = true
			}
		}
		n := 0
		for b, on := range model {
			if on != got[b] {
				t.Fatalf("block %d: %v, want %v", b, got[b], on)
			}
			if on {
				n++
			}
		}
		if back.Bytes() != int64(n)*block {
			t.Fatalf("%d bytes, want %d", back.Bytes(), n*block)
		}
	})
}

func TestDamagedMapIsNoticed(t *testing.T) {
	s := NewSet(block)
	s.Mark(Key{0, 1}, 0, 1)
	b := s.Marshal()
	for i := range b {
		bad := append([]byte(nil), b...)
		bad[i] ^= 1
		if _, err := UnmarshalSet(bad, block); err == nil {
			t.Fatalf("byte %d changed and nobody noticed", i)
		}
	}
}

func FuzzSet(f *testing.F) {
	s := NewSet(block)
	s.Mark(Key{0, 1}, 0, 1)
	f.Add(s.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := UnmarshalSet(b, block); err == nil {
			s.Bytes()
		}
		_, _ = parseHot(b)
	})
}

func open(t *testing.T, dir string) *Tracker {
	t.Helper()
	tr, damaged, err := Open(dir, block)
	if err != nil || damaged {
		t.Fatalf("damaged %v, %v", damaged, err)
	}
	return tr
}

func TestHotExtentsSurviveACrash(t *testing.T) {
	dir := t.TempDir()
	tr := open(t, dir)
	k := Key{0, 7}
	if err := tr.Hot.Begin(k, 5<<20, 100); err != nil {
		t.Fatal(err)
	}
	// No Close: the process is gone. Its log ends in a torn record.
	f, _ := os.OpenFile(filepath.Join(dir, "hot.log"), os.O_APPEND|os.O_WRONLY, 0)
	_, _ = f.Write([]byte{1, 2, 3})
	f.Close()
	again := open(t, dir)
	r := again.Ranges(k)
	if len(r) != 1 || r[0].Off != 4<<20 || r[0].Len < 4<<20 {
		t.Fatalf("ranges %v", r)
	}
}

func TestPruneKeepsWhatIsBusyOrNewer(t *testing.T) {
	tr := open(t, t.TempDir())
	h, k := tr.Hot, Key{0, 7}
	_ = h.Begin(k, 0, 1)
	clock := h.Clock()
	if err := h.Prune(clock); err != nil || h.Len() != 1 {
		t.Fatalf("a busy extent was forgotten: %d %v", h.Len(), err)
	}
	h.End(k, 0, 1)
	if err := h.Prune(clock); err != nil || h.Len() != 1 {
		t.Fatalf("an extent used after the clock was forgotten: %d %v", h.Len(), err)
	}
	if err := h.Prune(h.Clock()); err != nil || h.Len() != 0 {
		t.Fatalf("%d %v", h.Len(), err)
	}
}

func TestBlocksAreForgottenOnlyWhenStable(t *testing.T) {
	dir := t.TempDir()
	tr := open(t, dir)
	k := Key{0, 1}
	tr.Mark(k, 0, 1)
	tr.Follow()
	tr.Copied(k, 0, 1)
	tr.Mark(k, block, 1)
	done := tr.Round()
	tr.Mark(k, 2*block, 1)
	done()
	tr.Unfollow()
	if d := cmp.Diff([]Range{{2 * block, block}}, tr.Ranges(k)); d != "" {
		t.Fatal(d)
	}
	if err := tr.Save(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Range{{2 * block, block}}, open(t, dir).Ranges(k)); d != "" {
		t.Fatal(d)
	}
}

func TestLosingThePeerDuringARoundKeepsItsBlocks(t *testing.T) {
	tr := open(t, t.TempDir())
	k := Key{0, 1}
	tr.Follow()
	tr.Mark(k, 0, 1)
	done := tr.Round()
	tr.Unfollow()
	done()
	if len(tr.Ranges(k)) != 1 {
		t.Fatal("a block that was not stable on the peer was forgotten")
	}
}
