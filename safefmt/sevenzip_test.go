package safefmt

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// sevenZipOf writes an uncompressed 7z archive: one folder with the copy
// method, the header in plain.
func sevenZipOf(items ...item) []byte {
	var body, sizes, sums, names, attrs []byte
	for i, it := range items {
		body = append(body, it.body...)
		if i < len(items)-1 {
			sizes = append(sizes, number(len(it.body))...)
		}
		sums = binary.LittleEndian.AppendUint32(sums, crc32.ChecksumIEEE([]byte(it.body)))
		for _, u := range utf16.Encode([]rune(it.name + "\x00")) {
			names = binary.LittleEndian.AppendUint16(names, u)
		}
		attrs = binary.LittleEndian.AppendUint32(attrs, uint32(it.mode)<<16|0x8000)
	}
	header := join(
		[]byte{0x01, 0x04},
		[]byte{0x06}, number(0), number(1), []byte{0x09}, number(len(body)), []byte{0x00},
		[]byte{0x07, 0x0b}, number(1), []byte{0x00}, number(1), []byte{0x01, 0x00}, []byte{0x0c}, number(len(body)), []byte{0x00},
		[]byte{0x08, 0x0d}, number(len(items)), []byte{0x09}, sizes, []byte{0x0a, 0x01}, sums, []byte{0x00},
		[]byte{0x00},
		[]byte{0x05}, number(len(items)),
		[]byte{0x11}, number(len(names)+1), []byte{0x00}, names,
		[]byte{0x15}, number(len(attrs)+2), []byte{0x01, 0x00}, attrs,
		[]byte{0x00, 0x00},
	)
	start := binary.LittleEndian.AppendUint64(nil, uint64(len(body)))
	start = binary.LittleEndian.AppendUint64(start, uint64(len(header)))
	start = binary.LittleEndian.AppendUint32(start, crc32.ChecksumIEEE(header))
	out := append([]byte("7z\xbc\xaf\x27\x1c"), 0, 4)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(start))
	return join(out, start, body, header)
}

// number is the variable-length integer of 7z in its longest form.
func number(n int) []byte {
	if n < 0x80 {
		return []byte{byte(n)}
	}
	return binary.LittleEndian.AppendUint64([]byte{0xff}, uint64(n))
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
