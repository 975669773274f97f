package fuse

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sirupsen/logrus"
)

// countReplier counts answers, and checks their form.
type countReplier struct {
	t       testing.TB
	answers atomic.Int64
}

func (c *countReplier) reply(_ *slot, head, data []byte) error {
	c.answers.Add(1)
	if len(head) < outHeaderSize || int(getU32(head, 0)) != len(head)+len(data) {
		c.t.Errorf("answer says %d bytes, has %d", getU32(head, 0), len(head)+len(data))
	}
	if errno := int32(getU32(head, 4)); errno > 0 || errno <= -512 || (errno != 0 && len(head)+len(data) != outHeaderSize) {
		c.t.Errorf("answer with error %d and %d bytes", errno, len(head)+len(data))
	}
	return nil
}
func (c *countReplier) retain()  {}
func (c *countReplier) release() {}

// feed gives one message to a dispatcher as the transport would, and returns
// the number of answers.
func feed(t testing.TB, h Handler, msg []byte) int64 {
	o, err := Options{Log: quiet()}.complete()
	if err != nil {
		t.Fatal(err)
	}
	d := newDispatcher(h, &State{MaxRead: o.MaxWrite, Features: defaultFeatures}, &o)
	p := newChunkPool(len(msg)+2*pageSize, 1, 1)
	c := p.get()
	n := copy(c.b, msg)
	via := &countReplier{t: t}
	d.message(newSlotPool(), via, c, c.b[:n])
	d.wait()
	c.unref()
	if refs := c.refs.Load(); refs != 0 {
		t.Errorf("%d references to the message are left", refs)
	}
	return via.answers.Load()
}

func quiet() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

// FuzzDecode feeds arbitrary bytes: no panic, and exactly one answer to what has
// an identity and is of a kind that is answered.
func FuzzDecode(f *testing.F) {
	for op := range uint32(56) {
		f.Add(message(op, 2, 1, nil))
		f.Add(message(op, 2, 1, append(make([]byte, 16), "name\x00other\x00"...)))
		f.Add(message(op, 2, 1, make([]byte, 96)))
		f.Add(message(op, 2, 1, []byte("../escape\x00")))
	}
	f.Add(message(opWrite, 2, 1, writeBody(1, 1<<63, []byte("data"))))
	f.Add([]byte{})
	f.Add(make([]byte, inHeaderSize-1))
	f.Fuzz(func(t *testing.T, msg []byte) {
		if len(msg) > 1<<20 {
			return
		}
		answers := feed(t, Unimplemented{}, msg)
		want := int64(0)
		if len(msg) >= inHeaderSize && int(getU32(msg, 0)) == len(msg) && getU64(msg, 8) != 0 {
			switch getU32(msg, 4) {
			case opForget, opBatchForget, opInterrupt:
			default:
				want = 1
			}
		}
		if answers != want {
			t.Fatalf("%d answers, want %d", answers, want)
		}
	})
}

// FuzzMountinfo feeds arbitrary text to the parser of mount tables.
func FuzzMountinfo(f *testing.F) {
	f.Add("36 35 0:98 / /mnt\\040a rw,nosuid shared:1 - fuse.safekit safekit rw\n")
	f.Add("1 2 x:y / \\777 - \n - - -\n")
	f.Fuzz(func(t *testing.T, s string) {
		_, _ = parseMounts(strings.NewReader(s))
	})
}
