package fuse_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// loadEnv makes the test binary a writer of the file it names, loadDepthEnv
// says with how many threads; it prints writes per second.
const (
	loadEnv      = "FUSE_TEST_LOAD"
	loadDepthEnv = "FUSE_TEST_DEPTH"

	loadTime = 700 * time.Millisecond
	loadSize = 16 << 20
)

func childLoad(file string) {
	depth, err := strconv.Atoi(os.Getenv(loadDepthEnv))
	if err != nil {
		panic(err)
	}
	fd, err := unix.Open(file, unix.O_RDWR|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	var count atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for w := range depth {
		wg.Go(func() {
			b := pages(4096)
			for n := w; time.Since(start) < loadTime; n += depth {
				if _, err := unix.Pwrite(fd, b, int64(n)*7919%(loadSize/4096)*4096); err != nil {
					panic(err)
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	fmt.Println(int(float64(count.Load()) / time.Since(start).Seconds()))
}

// load returns the rate of 4 KiB O_DIRECT writes to an existing file.
func load(b *testing.B, file string, depth int) float64 {
	b.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), loadEnv+"="+file, fmt.Sprintf("%s=%d", loadDepthEnv, depth))
	c.Stderr = os.Stderr
	out, err := c.Output()
	must(b, err)
	rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	must(b, err)
	return rate
}

// BenchmarkDirectWriteRatio compares 4 KiB O_DIRECT writes through a loopback
// with the file system underneath: the median of ratios of turns in between.
func BenchmarkDirectWriteRatio(b *testing.B) {
	for _, c := range []struct {
		name  string
		o     fuse.Options
		later bool // each write runs and is answered on a goroutine of its own
	}{
		{"readers=1", fuse.Options{Readers: 1, MaxReaders: 1}, false},
		{"readers=4", fuse.Options{Readers: 4, MaxReaders: 4}, false},
		{"readers=4,clone", fuse.Options{Readers: 4, MaxReaders: 4, CloneFDs: true}, false},
		{"readers=4,lock", fuse.Options{Readers: 4, MaxReaders: 4, LockThreads: true}, false},
		{"readers=2-16", fuse.Options{Readers: 2}, false},
		{"readers=4-16", fuse.Options{Readers: 4}, false},
		{"readers=4,later", fuse.Options{Readers: 4, MaxReaders: 4}, true},
	} {
		for _, depth := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/depth=%d", c.name, depth), func(b *testing.B) {
				r := mountWith(b, c.o, func(l *loopback) {
					if c.later {
						l.onWrite = func(w fuse.WriteRequest) bool { go l.write(w); return true }
					}
				})
				f := r.create(b, "f", unix.O_DIRECT)
				zero := pages(1 << 20)
				for off := int64(0); off < loadSize; off += int64(len(zero)) {
					_, err := f.WriteAt(zero, off)
					must(b, err)
				}
				must(b, f.Sync())
				// The writer is another process: it cannot use /proc/self.
				under := fmt.Sprintf("/proc/%d/fd/%d/f", os.Getpid(), r.held.Fd())
				var ratios, rates []float64
				for b.Loop() {
					bare := load(b, under, depth)
					through := load(b, r.path("f"), depth)
					ratios, rates = append(ratios, through/bare), append(rates, through)
				}
				slices.Sort(ratios)
				slices.Sort(rates)
				b.ReportMetric(ratios[len(ratios)/2], "ratio")
				b.ReportMetric(rates[len(rates)/2], "writes/s")
			})
		}
	}
}
