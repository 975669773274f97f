package rfs

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// directWriter opens a preallocated file for O_DIRECT and gives an aligned block.
func directWriter(b *testing.B, dir string) (int, []byte) {
	b.Helper()
	name := filepath.Join(dir, "bench")
	if err := os.WriteFile(name, []byte(text(64<<20)), 0o600); err != nil {
		b.Fatal(err)
	}
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_DIRECT, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(fd) })
	buf, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		b.Fatal(err)
	}
	return fd, buf
}

// BenchmarkDirect writes 4 KiB blocks at random places, bare and replicated by
// two processes on this machine.
func BenchmarkDirect(b *testing.B) {
	for _, where := range []string{"bare", "alone", "second", "none"} {
		for _, depth := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("%s/depth=%d", where, depth), func(b *testing.B) {
				dir := b.TempDir()
				if where != "bare" {
					p, s := apart(b, durableAck(where == "none"))
					dir = p.dir
					p.alone(1)
					if where != "alone" {
						s.second(1)
						p.wait(7)
						p.wait(2)
					}
				}
				fd, buf := directWriter(b, dir)
				b.ResetTimer()
				var next atomic.Int64
				var wg sync.WaitGroup
				for range depth {
					wg.Go(func() {
						for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
							if _, err := unix.Pwrite(fd, buf, i*7919%16384*4096); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			})
		}
	}
}
