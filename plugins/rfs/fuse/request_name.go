package fuse

// MknodRequest asks to make a file, device, pipe or socket called Name in the
// directory Node. Mode carries the type; see the package comment for Umask.
type MknodRequest struct {
	EntryRequest
	Name              string
	Mode, Umask, Rdev uint32
}

// MkdirRequest asks to make a directory called Name in the directory Node.
type MkdirRequest struct {
	EntryRequest
	Name        string
	Mode, Umask uint32
}

// SymlinkRequest asks to make a symbolic link Name in Node that points to Target.
type SymlinkRequest struct {
	EntryRequest
	Name, Target string
}

// LinkRequest asks for another name, Name in the directory Node, of Target.
type LinkRequest struct {
	EntryRequest
	Name   string
	Target NodeID
}

// UnlinkRequest asks to remove Name, not a directory, from Node.
type UnlinkRequest struct {
	AckRequest
	Name string
}

// RmdirRequest asks to remove the empty directory Name from Node.
type RmdirRequest struct {
	AckRequest
	Name string
}

// RenameRequest asks to move Name in Node to NewName in NewParent. Flags are
// those of renameat2(2).
type RenameRequest struct {
	AckRequest
	Name      string
	NewParent NodeID
	NewName   string
	Flags     uint32
}

// CreateRequest asks to make Name in Node and open it. Flags are those of
// open(2). KillSuidgid goes with O_TRUNC on an existing file.
type CreateRequest struct {
	CreatedRequest
	Name               string
	Flags, Mode, Umask uint32
	KillSuidgid        bool
}

// TmpfileRequest asks to make a nameless file in the file system of Node and
// open it.
type TmpfileRequest struct {
	CreatedRequest
	Flags, Mode, Umask uint32
}

func decodeMknod(r Request, b []byte) (MknodRequest, error) {
	if len(b) < 16 {
		return MknodRequest{}, errShort
	}
	name, _, err := cutName(b[16:])
	return MknodRequest{EntryRequest{r}, name, getU32(b, 0), getU32(b, 8), getU32(b, 4)}, err
}

func decodeMkdir(r Request, b []byte) (MkdirRequest, error) {
	if len(b) < 8 {
		return MkdirRequest{}, errShort
	}
	name, _, err := cutName(b[8:])
	return MkdirRequest{EntryRequest{r}, name, getU32(b, 0), getU32(b, 4)}, err
}

func decodeSymlink(r Request, b []byte) (SymlinkRequest, error) {
	name, rest, err := cutName(b)
	if err != nil {
		return SymlinkRequest{}, err
	}
	target, _, err := cutString(rest)
	return SymlinkRequest{EntryRequest{r}, name, target}, err
}

func decodeLink(r Request, b []byte) (LinkRequest, error) {
	if len(b) < 8 {
		return LinkRequest{}, errShort
	}
	name, _, err := cutName(b[8:])
	return LinkRequest{EntryRequest{r}, name, NodeID(getU64(b, 0))}, err
}

func decodeUnlink(r Request, b []byte) (UnlinkRequest, error) {
	name, _, err := cutName(b)
	return UnlinkRequest{AckRequest{r}, name}, err
}

func decodeRmdir(r Request, b []byte) (RmdirRequest, error) {
	name, _, err := cutName(b)
	return RmdirRequest{AckRequest{r}, name}, err
}

// decodeRename decodes the old form (8 bytes, no flags) and the new one (16).
func decodeRename(r Request, b []byte, fixed int) (RenameRequest, error) {
	if len(b) < fixed {
		return RenameRequest{}, errShort
	}
	req := RenameRequest{AckRequest: AckRequest{r}, NewParent: NodeID(getU64(b, 0))}
	if fixed == 16 {
		req.Flags = getU32(b, 8)
	}
	var err error
	rest := b[fixed:]
	if req.Name, rest, err = cutName(rest); err != nil {
		return req, err
	}
	req.NewName, _, err = cutName(rest)
	return req, err
}

func decodeCreate(r Request, b []byte) (CreateRequest, error) {
	if len(b) < 16 {
		return CreateRequest{}, errShort
	}
	name, _, err := cutName(b[16:])
	return CreateRequest{
		CreatedRequest: CreatedRequest{r}, Name: name,
		Flags: getU32(b, 0), Mode: getU32(b, 4), Umask: getU32(b, 8),
		KillSuidgid: getU32(b, 12)&openKillSuidgid != 0,
	}, err
}

// decodeTmpfile ignores the name: the kernel sends a placeholder.
func decodeTmpfile(r Request, b []byte) (TmpfileRequest, error) {
	if len(b) < 16 {
		return TmpfileRequest{}, errShort
	}
	return TmpfileRequest{CreatedRequest{r}, getU32(b, 0), getU32(b, 4), getU32(b, 8)}, nil
}
