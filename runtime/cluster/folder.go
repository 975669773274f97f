package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/runtime/cluster/identity"
)

// Names in the cluster folder besides those of package identity.
const (
	xmlFile      = "cluster.xml"
	resolvedFile = "cluster_ip.xml"
	appliedFile  = "applied.json"
	nextKeyFile  = "next.key"
)

// owned are the files a configuration consists of; whatever else an operator
// keeps in the folder is carried over.
var owned = []string{xmlFile, resolvedFile, appliedFile, nextKeyFile, identity.CACertFile, identity.CAKeyFile,
	identity.NodeCertFile, identity.NodeKeyFile, identity.KeyFile}

// folder replaces a directory as a whole.
type folder struct {
	dir       string
	failpoint func(step string) error
	log       logrus.FieldLogger
}

func (m *Manager) folder() folder { return folder{filepath.Clean(m.Dir), m.failpoint, m.Log} }

// staged is where the next folder grows.
func (f folder) staged() string { return f.dir + ".new" }

// prepare makes the folder and removes what an interrupted change left.
func (f folder) prepare() error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return fmt.Errorf("make the cluster folder: %w", err)
	}
	if err := os.Chmod(f.dir, 0o700); err != nil {
		return fmt.Errorf("close the cluster folder to others: %w", err)
	}
	if err := os.RemoveAll(f.staged()); err != nil {
		return fmt.Errorf("remove the rest of an interrupted change: %w", err)
	}
	return nil
}

// replace makes files the folder's content, at once. After an error the folder
// is as before.
func (f folder) replace(files map[string][]byte) error {
	if err := f.prepare(); err != nil {
		return err
	}
	if err := f.exchange(files); err != nil {
		return errors.Join(err, os.RemoveAll(f.staged()))
	}
	// The new content is in force, whatever happens from here on.
	if err := f.finish(); err != nil {
		f.log.WithError(err).Warn("the cluster folder was replaced, but not tidied up")
	}
	return nil
}

func (f folder) exchange(files map[string][]byte) error {
	if err := f.stage(files); err != nil {
		return fmt.Errorf("write the cluster configuration: %w", err)
	}
	if err := f.failpoint("exchange"); err != nil {
		return err
	}
	err := unix.Renameat2(unix.AT_FDCWD, f.staged(), unix.AT_FDCWD, f.dir, unix.RENAME_EXCHANGE)
	if err != nil {
		return fmt.Errorf("put the cluster configuration in place of %s: %w", f.dir, err)
	}
	return nil
}

// finish makes the exchange durable and removes the old content.
func (f folder) finish() error {
	if err := syncPath(filepath.Dir(f.dir)); err != nil {
		return err
	}
	if err := f.failpoint("remove"); err != nil {
		return err
	}
	return os.RemoveAll(f.staged())
}

func (f folder) stage(files map[string][]byte) error {
	if err := os.Mkdir(f.staged(), 0o700); err != nil {
		return err
	}
	if err := f.carryOver(); err != nil {
		return err
	}
	for _, name := range owned {
		raw, ok := files[name]
		if !ok {
			continue
		}
		if err := f.failpoint("write " + name); err != nil {
			return err
		}
		if err := writeSynced(filepath.Join(f.staged(), name), raw); err != nil {
			return err
		}
	}
	return syncPath(f.staged())
}

// carryOver links the operator's own files into the next folder.
func (f folder) carryOver() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if slices.Contains(owned, e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if err := os.Link(filepath.Join(f.dir, e.Name()), filepath.Join(f.staged(), e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// read gives one file of at most limit bytes.
func (f folder) read(name string, limit int64) ([]byte, error) {
	path := filepath.Join(f.dir, name)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("not a file of at most %d bytes", limit)}
	}
	return os.ReadFile(path)
}

func writeSynced(path string, raw []byte) error {
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return errors.Join(err, w.Sync(), w.Close())
}

func syncPath(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
