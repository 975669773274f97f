package fuse

import (
	"bytes"
	"errors"
	"strings"
)

// Errors of messages that do not follow the protocol; the request is answered
// with EIO.
var (
	errShort = errors.New("fuse: message is shorter or longer than its kind demands")
	errRange = errors.New("fuse: offset or size is out of range")
	errName  = errors.New("fuse: name is empty, a dot name, or contains a slash")
)

// cutString takes a zero-terminated string from the front of b.
func cutString(b []byte) (s string, rest []byte, err error) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return "", nil, errShort
	}
	return string(b[:i]), b[i+1:], nil
}

// cutName takes a string that is safe as one component of a path.
func cutName(b []byte) (name string, rest []byte, err error) {
	name, rest, err = cutString(b)
	if err != nil {
		return "", nil, err
	}
	if name == "" || name == "." || name == ".." || strings.IndexByte(name, '/') >= 0 {
		return "", nil, errName
	}
	return name, rest, nil
}
