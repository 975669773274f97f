package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// TestRecovery: what was written is found again, and a torn record ends the row.
func TestRecovery(t *testing.T) {
	name := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(4 << 20); err != nil {
		t.Fatal(err)
	}
	d := &disk{file: f, buf: make([]byte, recordSize)}
	defer f.Close()
	recovered := func(want uint64) {
		t.Helper()
		got, err := d.recover()
		if err != nil || got != want {
			t.Fatalf("recovered %d, %v; want %d", got, err, want)
		}
	}
	recovered(0)
	const all = 600 // more than one chunk of reading
	for n := uint64(1); n <= all; n++ {
		if err := d.write(n); err != nil {
			t.Fatal(err)
		}
	}
	recovered(all)
	if _, err := f.WriteAt([]byte{0xff}, 299*recordSize+2000); err != nil {
		t.Fatal(err)
	}
	recovered(299)
	if err := d.write(300); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, recordSize), 512*recordSize); err != nil {
		t.Fatal(err)
	}
	recovered(512)
}

func TestFullDiskIsRecoveredToItsEnd(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := &disk{file: f, buf: make([]byte, recordSize)}
	for n := uint64(1); n <= 5; n++ {
		if err := d.write(n); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := d.recover(); err != nil || got != 5 {
		t.Errorf("recovered %d, %v; want 5", got, err)
	}
}

func TestOnlyPressingThePowerButtonCounts(t *testing.T) {
	event := func(kind, code uint16, value uint32) []byte {
		e := make([]byte, eventSize)
		binary.LittleEndian.PutUint16(e[16:], kind)
		binary.LittleEndian.PutUint16(e[18:], code)
		binary.LittleEndian.PutUint32(e[20:], value)
		return e
	}
	for _, tc := range []struct {
		event []byte
		want  bool
	}{
		{event(typeKey, keyPower, 1), true},
		{event(typeKey, keyPower, 0), false},
		{event(typeKey, 30, 1), false},
		{event(0, 0, 0), false},
	} {
		if got := isPress(tc.event); got != tc.want {
			t.Errorf("%v: %v", tc.event, got)
		}
	}
}
