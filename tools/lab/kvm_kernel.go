package lab

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mholt/archives"
)

// A bzImage, by the kernel's boot protocol 2.08 and later: a header, a real
// mode part of some sectors, then the protected mode part, in which the
// compressed kernel lies; its last four bytes are the size uncompressed.
const (
	setupSectorsAt  = 0x1f1
	headerMagicAt   = 0x202
	payloadOffsetAt = 0x248
	payloadLengthAt = 0x24c
	maxKernel       = 256 << 20
)

// uncompressKernel writes the kernel inside the bzImage from to the file to.
// An emulated processor would need seconds to do the same at each boot.
func uncompressKernel(ctx context.Context, from, to string) error {
	image, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("uncompress kernel: %w", err)
	}
	payload, err := kernelPayload(image)
	if err != nil {
		return fmt.Errorf("uncompress kernel %s: %w", from, err)
	}
	size := binary.LittleEndian.Uint32(payload[len(payload)-4:])
	if size > maxKernel {
		return fmt.Errorf("uncompress kernel %s: it says it has %d bytes", from, size)
	}
	kernel, err := uncompress(ctx, payload)
	if err != nil {
		return fmt.Errorf("uncompress kernel %s: %w", from, err)
	}
	out, err := os.Create(to)
	if err != nil {
		return errors.Join(fmt.Errorf("uncompress kernel: %w", err), kernel.Close())
	}
	_, err = io.CopyN(out, kernel, int64(size))
	if err := errors.Join(err, out.Close(), kernel.Close()); err != nil {
		return fmt.Errorf("uncompress kernel %s: %w", from, err)
	}
	return nil
}

func kernelPayload(image []byte) ([]byte, error) {
	if len(image) < 0x1000 || string(image[headerMagicAt:headerMagicAt+4]) != "HdrS" {
		return nil, errors.New("it is no bzImage")
	}
	begin := (int64(image[setupSectorsAt])+1)*512 + int64(binary.LittleEndian.Uint32(image[payloadOffsetAt:]))
	end := begin + int64(binary.LittleEndian.Uint32(image[payloadLengthAt:]))
	if end > int64(len(image)) || end-begin < 8 {
		return nil, errors.New("it is shorter than its header says")
	}
	return image[begin:end], nil
}

// uncompress recognises the compression by its first bytes.
func uncompress(ctx context.Context, packed []byte) (io.ReadCloser, error) {
	format, in, err := archives.Identify(ctx, "", bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	d, ok := format.(archives.Decompressor)
	if !ok {
		return nil, fmt.Errorf("%s is no compression of kernels", format.Extension())
	}
	return d.OpenReader(in)
}
