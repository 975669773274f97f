package fuse

import "golang.org/x/sys/unix"

// SetxattrRequest asks to set the extended attribute Name of Node. Flags are
// those of setxattr(2). KillSgid asks to drop the set-group-id bit with a new
// access ACL, because the caller is not in the file's group.
type SetxattrRequest struct {
	AckRequest
	Name     string
	Value    []byte
	Flags    uint32
	KillSgid bool
}

// XattrRequest is a request whose answer is a value of at most Size bytes, or
// its length only when Size is 0.
type XattrRequest struct {
	Request
	Size int
}

// Reply answers with the value, or its length, or ERANGE when it is too long.
func (r XattrRequest) Reply(value []byte) error {
	if r.Size == 0 {
		return r.ReplySize(len(value))
	}
	if len(value) > r.Size {
		return r.ReplyError(unix.ERANGE)
	}
	if !r.claim() {
		return ErrReplied
	}
	return r.sendData(value)
}

// ReplySize answers a request of Size 0 with the length of the value.
func (r XattrRequest) ReplySize(n int) error {
	if r.Size != 0 {
		return r.ReplyError(unix.EIO)
	}
	if !r.claim() {
		return ErrReplied
	}
	putU32(r.body(8), 0, uint32(n))
	putU32(r.body(8), 4, 0)
	return r.sendBody(8)
}

// GetxattrRequest asks for the extended attribute Name of Node.
type GetxattrRequest struct {
	XattrRequest
	Name string
}

// ListxattrRequest asks for the names of Node's extended attributes, each
// followed by a zero byte.
type ListxattrRequest struct{ XattrRequest }

// RemovexattrRequest asks to remove the extended attribute Name of Node.
type RemovexattrRequest struct {
	AckRequest
	Name string
}

// decodeSetxattr decodes the form with flags (extended) or the old one.
func decodeSetxattr(r Request, b []byte, extended bool) (SetxattrRequest, error) {
	fixed := 8
	if extended {
		fixed = 16
	}
	if len(b) < fixed {
		return SetxattrRequest{}, errShort
	}
	const killSgid = 1
	req := SetxattrRequest{AckRequest: AckRequest{r}, Flags: getU32(b, 4)}
	if extended {
		req.KillSgid = getU32(b, 8)&killSgid != 0
	}
	name, rest, err := cutString(b[fixed:])
	if err != nil {
		return req, err
	}
	size := int(getU32(b, 0))
	if size > len(rest) || name == "" {
		return req, errShort
	}
	req.Name, req.Value = name, rest[:size:size]
	return req, nil
}

// decodeXattr decodes what getxattr and listxattr have in common. The kernel
// asks for 64 KiB at most.
func decodeXattr(r Request, b []byte) (XattrRequest, error) {
	if len(b) < 8 {
		return XattrRequest{}, errShort
	}
	req := XattrRequest{r, int(getU32(b, 0))}
	if req.Size > 64<<10 {
		return req, errRange
	}
	return req, nil
}

func decodeGetxattr(r Request, b []byte) (GetxattrRequest, error) {
	base, err := decodeXattr(r, b)
	if err != nil {
		return GetxattrRequest{}, err
	}
	name, _, err := cutString(b[8:])
	return GetxattrRequest{base, name}, err
}

func decodeListxattr(r Request, b []byte) (ListxattrRequest, error) {
	base, err := decodeXattr(r, b)
	return ListxattrRequest{base}, err
}

func decodeRemovexattr(r Request, b []byte) (RemovexattrRequest, error) {
	name, _, err := cutString(b)
	return RemovexattrRequest{AckRequest{r}, name}, err
}
