package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() *Change {
	return &Change{Op: OpRename, Dir: 1, File: 7, Path: "a/b", Path2: "c", Flags: 2, Rdev: 3, Attr: Attr{0o644, 1, 2, Time{5, 6}, Time{7, 8}},
		Parent: Time{9, 10}, Parent2: Time{11, 12}, Off: 13, Len: 14, Name: "user.x", Value: []byte("v"), ID: ID{1}}
}

func TestChangeRoundTrip(t *testing.T) {
	got, err := UnmarshalChange(sample().Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sample(), got); d != "" {
		t.Fatal(d)
	}
}

func TestFrameRoundTripAndCorruption(t *testing.T) {
	body, data := []byte("head"), []byte("data")
	var head [HeaderSize]byte
	Encode(&head, Header{TypeWrite, 3, 4}, body, data)
	frame := bytes.Join([][]byte{head[:], body, data}, nil)
	h, p, err := Read(bytes.NewReader(frame), nil)
	if err != nil || h != (Header{TypeWrite, 3, 4}) || string(p) != "headdata" {
		t.Fatalf("got %v %q %v", h, p, err)
	}
	for i := range frame {
		bad := bytes.Clone(frame)
		bad[i] ^= 0x40
		if _, _, err := Read(bytes.NewReader(bad), nil); err == nil {
			t.Fatalf("byte %d changed and nobody noticed", i)
		}
	}
}

func TestPathsStayBelowTheRoot(t *testing.T) {
	for _, p := range []string{"/a", "a//b", "../a", "a/../b", ".", "a/", "a\x00b"} {
		if err := CheckPath(p); !errors.Is(err, ErrFrame) {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range []string{"", "a", "a/b", "..a", "a/...", "é"} {
		if err := CheckPath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestListingRoundTrip(t *testing.T) {
	want := &Listing{Self: Entry{Name: "", Ino: 2}, Entries: []Entry{{Name: "f", Ino: 3, Size: 4, Nlink: 1, ID: ID{9}, Target: "t", Dirty: []Range{{0, 65536}}}}}
	got, err := UnmarshalListing(want.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestUnknownFieldsAreRefused(t *testing.T) {
	var h Hello
	if err := Unmarshal([]byte(`{"version":1,"bogus":2}`), &h); !errors.Is(err, ErrFrame) {
		t.Fatal(err)
	}
}

func FuzzChange(f *testing.F) {
	f.Add(sample().Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := UnmarshalChange(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Marshal(), b) {
			t.Fatal("an accepted change does not marshal to the same bytes")
		}
	})
}

func FuzzFrame(f *testing.F) {
	var head [HeaderSize]byte
	Encode(&head, Header{TypePing, 1, 2}, nil, nil)
	f.Add(head[:])
	f.Add((&Listing{Entries: []Entry{{Name: "x"}}}).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = Read(bytes.NewReader(b), nil)
		_, _ = UnmarshalListing(b)
		_, _ = UnmarshalList(b)
		_, _ = UnmarshalHash(b)
		_, _, _, _ = UnmarshalWrite(b)
	})
}
