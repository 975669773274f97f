package backing

import (
	"errors"
	"fmt"
	"os"
	"path"
	"sort"

	"golang.org/x/sys/unix"
)

// Root is a replicated directory, held open.
type Root struct {
	Path string
	file *os.File
}

// OpenRoot opens the directory. It must be opened before it is mounted over.
func OpenRoot(dir string) (*Root, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open replicated directory %s: %w", dir, err)
	}
	return &Root{dir, os.NewFile(uintptr(fd), dir)}, nil
}

// File gives the descriptor, for mounting over it.
func (r *Root) File() *os.File { return r.file }

// Close gives the descriptor back.
func (r *Root) Close() error { return r.file.Close() }

func (r *Root) fd() int { return int(r.file.Fd()) }

// Open opens rel below the root with the flags of open(2). "" is the root.
func (r *Root) Open(rel string, flags int, mode uint32) (int, error) {
	if rel == "" {
		rel = "."
	}
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV}
	if flags&(unix.O_CREAT|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 {
		how.Mode = uint64(mode & 0o7777)
	}
	for {
		fd, err := unix.Openat2(r.fd(), rel, &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
}

// Object opens rel without following it and without reading it.
func (r *Root) Object(rel string) (Object, error) {
	fd, err := r.Open(rel, unix.O_PATH|unix.O_NOFOLLOW, 0)
	return Object{fd}, err
}

// Lstat describes rel.
func (r *Root) Lstat(rel string) (unix.Stat_t, error) {
	o, err := r.Object(rel)
	if err != nil {
		return unix.Stat_t{}, err
	}
	defer o.Close()
	return o.Stat()
}

// at calls f with the descriptor of rel's parent and its last name.
func (r *Root) at(rel string, f func(dir int, name string) error) error {
	parent, name := Split(rel)
	if name == "" {
		return unix.EBUSY
	}
	if parent == "" {
		return f(r.fd(), name)
	}
	dir, err := r.Open(parent, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	return f(dir, name)
}

// at2 calls f with the parents and last names of two paths.
func (r *Root) at2(a, b string, f func(ad int, an string, bd int, bn string) error) error {
	return r.at(a, func(ad int, an string) error {
		return r.at(b, func(bd int, bn string) error { return f(ad, an, bd, bn) })
	})
}

// Split cuts a relative path into its parent and its last name.
func Split(rel string) (string, string) {
	dir, name := path.Split(rel)
	if dir != "" {
		dir = dir[:len(dir)-1]
	}
	return dir, name
}

// Join is the inverse of Split.
func Join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// Create makes a regular file that must not exist and opens it.
func (r *Root) Create(rel string, flags int, mode uint32) (int, error) {
	return r.Open(rel, flags|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, mode)
}

// Mkdir makes a directory.
func (r *Root) Mkdir(rel string, mode uint32) error {
	return r.at(rel, func(d int, n string) error { return unix.Mkdirat(d, n, mode) })
}

// Mknod makes a device, pipe, socket or file.
func (r *Root) Mknod(rel string, mode, rdev uint32) error {
	return r.at(rel, func(d int, n string) error { return unix.Mknodat(d, n, mode, int(rdev)) })
}

// Symlink makes rel a symbolic link to target.
func (r *Root) Symlink(rel, target string) error {
	return r.at(rel, func(d int, n string) error { return unix.Symlinkat(target, d, n) })
}

// Link gives rel a second name.
func (r *Root) Link(rel, to string) error {
	return r.at2(rel, to, func(ad int, an string, bd int, bn string) error { return unix.Linkat(ad, an, bd, bn, 0) })
}

// Unlink removes a name that is not a directory.
func (r *Root) Unlink(rel string) error {
	return r.at(rel, func(d int, n string) error { return unix.Unlinkat(d, n, 0) })
}

// Rmdir removes an empty directory.
func (r *Root) Rmdir(rel string) error {
	return r.at(rel, func(d int, n string) error { return unix.Unlinkat(d, n, unix.AT_REMOVEDIR) })
}

// Rename moves rel with the flags of renameat2(2).
func (r *Root) Rename(rel, to string, flags uint32) error {
	return r.at2(rel, to, func(ad int, an string, bd int, bn string) error {
		return unix.Renameat2(ad, an, bd, bn, uint(flags))
	})
}

// Remove removes rel and what is below it. A missing rel is no error.
func (r *Root) Remove(rel string) error {
	err := r.Unlink(rel)
	switch {
	case err == nil, errors.Is(err, unix.ENOENT):
		return nil
	case !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EPERM):
		return err
	}
	names, err := r.Names(rel)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := r.Remove(Join(rel, n)); err != nil {
			return err
		}
	}
	return r.Rmdir(rel)
}

// Names lists a directory in order, without "." and "..".
func (r *Root) Names(rel string) ([]string, error) {
	fd, err := r.Open(rel, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOATIME, 0)
	if err != nil {
		return nil, err
	}
	d := os.NewFile(uintptr(fd), rel)
	defer d.Close()
	names, err := d.Readdirnames(-1)
	sort.Strings(names)
	return names, err
}

// Readlink reads a symbolic link.
func (r *Root) Readlink(rel string) (string, error) {
	o, err := r.Object(rel)
	if err != nil {
		return "", err
	}
	defer o.Close()
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(o.FD, "", buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// Sync writes everything of the directory's file system to disk.
func (r *Root) Sync() error {
	if err := unix.Syncfs(r.fd()); err != nil {
		return fmt.Errorf("synchronise %s: %w", r.Path, err)
	}
	return nil
}

// Statfs describes the file system.
func (r *Root) Statfs() (unix.Statfs_t, error) {
	var st unix.Statfs_t
	return st, unix.Fstatfs(r.fd(), &st)
}

// Walk calls f for every name below rel, parents first; a directory for which f
// returns false is not entered. Names that vanish meanwhile are passed over.
func (r *Root) Walk(rel string, f func(rel string, st *unix.Stat_t) (bool, error)) error {
	names, err := r.Names(rel)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", Join(r.Path, rel), err)
	}
	for _, n := range names {
		p := Join(rel, n)
		st, err := r.Lstat(p)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return fmt.Errorf("stat %s: %w", Join(r.Path, p), err)
		}
		enter, err := f(p, &st)
		if err != nil {
			return err
		}
		if enter && st.Mode&unix.S_IFMT == unix.S_IFDIR {
			if err := r.Walk(p, f); err != nil {
				return err
			}
		}
	}
	return nil
}
