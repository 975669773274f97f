package fuse

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	protoMajor = 7
	protoMinor = 45 // newest minor version this server knows
	minMinor   = 31 // Linux 5.4

	initInSize   = 16 // what every kernel sends; newer ones send more
	initOutSize  = 64
	maxReadLimit = 1 << 20

	initDeadline = 30 * time.Second
)

// handshake answers the kernel's first request and returns what was agreed.
func handshake(fd int, o *Options) (State, error) {
	msg := make([]byte, 1<<20+2*pageSize)
	n, err := readFirst(fd, msg)
	if err != nil {
		return State{}, fmt.Errorf("read fuse init: %w", err)
	}
	unique, offer, err := decodeInit(msg[:n])
	if err != nil {
		return State{}, err
	}
	st, reply := negotiate(offer, o)
	out := make([]byte, outHeaderSize+initOutSize)
	putU32(out, 0, uint32(len(out)))
	putU64(out, 8, unique)
	copy(out[outHeaderSize:], reply)
	if _, err := unix.Write(fd, out); err != nil {
		return State{}, fmt.Errorf("answer fuse init: %w", err)
	}
	return st, nil
}

// readFirst reads one message, waiting no longer than initDeadline.
func readFirst(fd int, msg []byte) (int, error) {
	for {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(initDeadline.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if ready == 0 {
			return 0, fmt.Errorf("the kernel sent nothing for %v", initDeadline)
		}
		n, err := unix.Read(fd, msg)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// initOffer is what the kernel can do.
type initOffer struct {
	minor     uint32
	readahead uint32
	features  Feature
}

func decodeInit(msg []byte) (unique uint64, offer initOffer, err error) {
	if len(msg) < inHeaderSize+initInSize || int(getU32(msg, 0)) != len(msg) || getU32(msg, 4) != opInit {
		return 0, offer, errors.New("fuse init: the kernel's first message is not an init")
	}
	b := msg[inHeaderSize:]
	major := getU32(b, 0)
	offer = initOffer{minor: getU32(b, 4), readahead: getU32(b, 8), features: Feature(getU32(b, 12))}
	if major != protoMajor || offer.minor < minMinor {
		return 0, offer, fmt.Errorf("fuse init: the kernel speaks %d.%d, at least %d.%d is needed (Linux 5.4)",
			major, offer.minor, protoMajor, minMinor)
	}
	if offer.features&FeatureInitExt != 0 && len(b) >= initInSize+4 {
		offer.features |= Feature(getU32(b, 16)) << 32
	}
	return getU64(msg, 8), offer, nil
}

// negotiate chooses among what the kernel offers, and encodes the answer.
func negotiate(offer initOffer, o *Options) (State, []byte) {
	want := defaultFeatures
	if o.WritebackCache {
		want |= FeatureWritebackCache
	}
	st := State{
		Minor: min(offer.minor, protoMinor), Features: offer.features & want &^ o.Refuse,
		MaxWrite: o.MaxWrite, MaxRead: o.MaxWrite, MaxBackground: o.MaxBackground, Congestion: o.Congestion,
	}
	if st.Features&FeatureMaxPages == 0 {
		const oldPages = 32
		st.MaxWrite = min(st.MaxWrite, oldPages*pageSize)
	}
	b := make([]byte, initOutSize)
	putU32(b, 0, protoMajor)
	putU32(b, 4, st.Minor)
	putU32(b, 8, min(offer.readahead, uint32(o.MaxReadahead)))
	putU32(b, 12, uint32(st.Features))
	putU16(b, 16, uint16(o.MaxBackground))
	putU16(b, 18, uint16(o.Congestion))
	putU32(b, 20, uint32(st.MaxWrite))
	putU32(b, 24, 1) // time granularity in nanoseconds
	putU16(b, 28, uint16((st.MaxWrite+pageSize-1)/pageSize))
	putU32(b, 32, uint32(st.Features>>32))
	return st, b
}
