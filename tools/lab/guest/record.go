package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// recordSize is one write of the disk. Record n, from 1, lies at (n-1)*recordSize.
const recordSize = 4096

// encode fills buf, recordSize bytes, with record n: checksum, number, filling.
func encode(buf []byte, n uint64) {
	for at := 8; at < recordSize; at += 8 {
		binary.LittleEndian.PutUint64(buf[at:], n)
	}
	binary.LittleEndian.PutUint64(buf, uint64(crc32.ChecksumIEEE(buf[8:recordSize])))
}

// holds tells whether buf is record n, whole.
func holds(buf []byte, n uint64) bool {
	return binary.LittleEndian.Uint64(buf[8:]) == n &&
		binary.LittleEndian.Uint64(buf) == uint64(crc32.ChecksumIEEE(buf[8:recordSize]))
}

// disk is the machine's disk, written past the guest's cache.
type disk struct {
	file *os.File
	buf  []byte // one record, aligned as O_DIRECT wants it
}

// openDisk waits until the device is there, which its driver makes a little later.
func openDisk(name string) (*disk, error) {
	var file *os.File
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		f, err := os.OpenFile(name, os.O_RDWR|unix.O_DIRECT|unix.O_DSYNC, 0)
		if err == nil {
			file = f
			break
		}
		if !errors.Is(err, os.ErrNotExist) || time.Now().After(deadline) {
			return nil, fmt.Errorf("open disk: %w", err)
		}
	}
	buf, err := unix.Mmap(-1, 0, recordSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("open disk: %w", err)
	}
	return &disk{file: file, buf: buf}, nil
}

// recover finds the last record of the unbroken row that begins with record 1.
func (d *disk) recover() (uint64, error) {
	const many = 256
	chunk, err := unix.Mmap(-1, 0, many*recordSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return 0, fmt.Errorf("recover: %w", err)
	}
	last := uint64(0)
	for {
		got, err := d.file.ReadAt(chunk, int64(last)*recordSize)
		if err != nil && err != io.EOF {
			return 0, fmt.Errorf("recover after record %d: %w", last, err)
		}
		for at := 0; at+recordSize <= got; at += recordSize {
			if !holds(chunk[at:at+recordSize], last+1) {
				return last, nil
			}
			last++
		}
		if got < len(chunk) {
			return last, nil
		}
	}
}

// write makes record n durable.
func (d *disk) write(n uint64) error {
	encode(d.buf, n)
	if _, err := d.file.WriteAt(d.buf, int64(n-1)*recordSize); err != nil {
		return fmt.Errorf("write record %d: %w", n, err)
	}
	return nil
}
