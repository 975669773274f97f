package fuse

import (
	"fmt"
	"os"

	"github.com/sirupsen/logrus"
)

// Options of a mount. The zero value is a good default.
type Options struct {
	// Dir, when set, is the directory to mount over, held open by the caller.
	// The path given to Mount must name it. Without it the path decides.
	Dir *os.File
	// Source is shown as the mount's device; "safekit" when empty.
	Source string
	// ReadOnly mounts read-only; Conn.Remount changes it.
	ReadOnly bool
	// MaxWrite bounds one write and one read in bytes: a multiple of 4096,
	// 4 KiB to 1 MiB, 1 MiB when 0.
	MaxWrite int
	// MaxReadahead bounds the kernel's read-ahead in bytes; 1 MiB when 0.
	MaxReadahead int
	// MaxBackground bounds requests that the kernel sends without a caller
	// waiting (read-ahead, page-cache and asynchronous writes); 128 when 0.
	MaxBackground int
	// Congestion is the number of background requests from which the kernel
	// calls the mount congested; three quarters of MaxBackground when 0.
	Congestion int
	// WritebackCache lets the kernel collect writes in its page cache. Writes
	// then reach the handler late, and file times are the kernel's.
	WritebackCache bool
	// Refuse names features not to be negotiated.
	Refuse Feature

	// Readers is the number of goroutines that read requests; 4 when 0. While all
	// of them are in the handler, more are started, up to MaxReaders, which is
	// how many data calls run at a time when the handler answers before it
	// returns; 16 when 0, at least Readers.
	Readers, MaxReaders int
	// CloneFDs gives each of Readers a descriptor of its own. When this process is
	// killed, what was read from a clone and not answered fails; without clones
	// another process that holds the descriptor (Conn.File) can have it sent
	// again (Conn.Resend).
	CloneFDs bool
	// LockThreads ties each reader to an OS thread of its own.
	LockThreads bool
	// MaxNamespace bounds the namespace calls that run at a time; 256 when 0.
	MaxNamespace int
	// MaxMemory bounds the memory in bytes that holds writes not yet answered or
	// retained; readers wait beyond it. 256 MiB when 0; at least two chunks
	// (8 MiB with the default MaxWrite) for each of MaxReaders.
	MaxMemory int

	// Log gets warnings about broken messages; nothing is logged when nil.
	Log logrus.FieldLogger
}

// complete fills in defaults and checks limits.
func (o Options) complete() (Options, error) {
	orDefault(&o.MaxWrite, 1<<20)
	orDefault(&o.MaxReadahead, 1<<20)
	orDefault(&o.MaxBackground, 128)
	orDefault(&o.Congestion, max(o.MaxBackground*3/4, 1))
	orDefault(&o.Readers, 4)
	orDefault(&o.MaxReaders, max(o.Readers, 16))
	orDefault(&o.MaxNamespace, 256)
	orDefault(&o.MaxMemory, 256<<20)
	if o.Source == "" {
		o.Source = "safekit"
	}
	if o.Log == nil {
		o.Log = discardLogger()
	}
	switch {
	case o.MaxWrite < pageSize || o.MaxWrite > 1<<20 || o.MaxWrite%pageSize != 0:
		return o, fmt.Errorf("fuse options: MaxWrite %d is not a multiple of 4096 from 4096 to 1048576", o.MaxWrite)
	case o.MaxBackground < 1 || o.MaxBackground > 65535:
		return o, fmt.Errorf("fuse options: MaxBackground %d is not within 1 to 65535", o.MaxBackground)
	case o.Congestion < 1 || o.Congestion > o.MaxBackground:
		return o, fmt.Errorf("fuse options: Congestion %d is not within 1 to MaxBackground %d", o.Congestion, o.MaxBackground)
	case o.Readers < 1 || o.MaxReaders < o.Readers || o.MaxReaders > 256:
		return o, fmt.Errorf("fuse options: Readers %d and MaxReaders %d are not within 1 to 256", o.Readers, o.MaxReaders)
	case o.MaxNamespace < 1 || o.MaxReadahead < 0 || o.MaxMemory < 0:
		return o, fmt.Errorf("fuse options: MaxNamespace, MaxReadahead and MaxMemory must be positive")
	}
	return o, nil
}

// chunkSize holds four of the largest messages, each with a page for its header,
// and the page more that a reader must offer.
func (o *Options) chunkSize() int { return 4*(o.MaxWrite+pageSize) + pageSize }

// chunkLimit is how many chunks MaxMemory allows.
func (o *Options) chunkLimit() int { return max(o.MaxMemory/o.chunkSize(), 2*o.MaxReaders) }

func orDefault(v *int, d int) {
	if *v == 0 {
		*v = d
	}
}

func discardLogger() logrus.FieldLogger {
	l := logrus.New()
	l.SetLevel(logrus.PanicLevel)
	return l
}
