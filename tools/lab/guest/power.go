package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// What the kernel's input devices give: a time, then type, code and value.
const (
	eventSize = 24
	typeKey   = 1
	keyPower  = 116
)

// powerButton tells of the first press on any of the machine's buttons.
func powerButton() (<-chan struct{}, error) {
	devices, err := filepath.Glob("/dev/input/event*")
	if err != nil {
		return nil, err
	}
	if len(devices) == 0 {
		return nil, errors.New("no power button: /dev/input is empty")
	}
	pressed := make(chan struct{}, len(devices))
	for _, name := range devices {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("power button: %w", err)
		}
		go watch(f, pressed)
	}
	return pressed, nil
}

// watch ends with the device or with the first press; pressed has room for it.
func watch(f *os.File, pressed chan<- struct{}) {
	defer f.Close()
	event := make([]byte, eventSize)
	for {
		if n, err := f.Read(event); err != nil || n != eventSize {
			return
		}
		if isPress(event) {
			pressed <- struct{}{}
			return
		}
	}
}

func isPress(event []byte) bool {
	return binary.LittleEndian.Uint16(event[16:]) == typeKey &&
		binary.LittleEndian.Uint16(event[18:]) == keyPower &&
		binary.LittleEndian.Uint32(event[20:]) == 1
}
