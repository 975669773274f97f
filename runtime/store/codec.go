package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

const (
	header  = "safehold-store 1 "
	maxLine = len(header) + 2*sha256.Size + 1 + 20
	// MaxSize bounds the JSON text of a value, in bytes.
	MaxSize = 16 << 20
)

// encode gives the bytes of a file that holds v.
func encode(v any) ([]byte, error) {
	body, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	if len(body) > MaxSize {
		return nil, fmt.Errorf("value of %d bytes is larger than %d", len(body), MaxSize)
	}
	return append(firstLine(body), body...), nil
}

func firstLine(body []byte) []byte {
	return fmt.Appendf(nil, "%s%x %d\n", header, sha256.Sum256(body), len(body))
}

// verify gives the JSON text of a file's bytes, or says what is wrong.
func verify(raw []byte) ([]byte, error) {
	end := bytes.IndexByte(raw[:min(len(raw), maxLine)], '\n')
	switch {
	case len(raw) == 0:
		return nil, fmt.Errorf("file is empty")
	case end < 0 || !bytes.HasPrefix(raw, []byte(header)):
		return nil, fmt.Errorf("no checksum line")
	}
	body := raw[end+1:]
	if !bytes.Equal(raw[:end+1], firstLine(body)) {
		return nil, fmt.Errorf("checksum does not match the %d bytes after it", len(body))
	}
	return body, nil
}

// decode is the inverse of encode.
func decode(raw []byte, into any) error {
	body, err := verify(raw)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}
