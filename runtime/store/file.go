package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The suffixes of the files beside a value.
const (
	backupSuffix = ".bak"
	tempSuffix   = ".tmp"
)

// CorruptError tells that a file is torn or damaged. The value before it may
// still be had with LoadBackup; whether it may be used is for the caller to
// decide, since it is older than what was promised.
type CorruptError struct {
	Path   string
	Backup bool // a sound older value is in the .bak file
	Err    error
}

// Error names the file, the damage and the way on.
func (e *CorruptError) Error() string {
	hint := "no older value is left beside it"
	if e.Backup {
		hint = "the value before it is in " + e.Path + backupSuffix
	}
	return fmt.Sprintf("load %s: damaged: %v; %s", e.Path, e.Err, hint)
}

// Unwrap gives the damage.
func (e *CorruptError) Unwrap() error { return e.Err }

// File is the place of one durable value.
type File[T any] struct{ path string }

// Open names the file of a value. Nothing is read or made yet.
func Open[T any](path string) *File[T] { return &File[T]{path: path} }

// Path is where the value lies.
func (f *File[T]) Path() string { return f.path }

// Load reads the value. It fails with fs.ErrNotExist when none was ever saved,
// and with a *CorruptError when the file is damaged.
func (f *File[T]) Load() (T, error) {
	v, err := load[T](f.path)
	var damaged *CorruptError
	switch {
	case errors.As(err, &damaged):
		_, backup := f.LoadBackup()
		damaged.Backup = backup == nil
	case errors.Is(err, fs.ErrNotExist):
		// Save never leaves a backup without a value: somebody removed it.
		if _, backup := f.LoadBackup(); backup == nil {
			return v, &CorruptError{Path: f.path, Backup: true, Err: errors.New("file has disappeared")}
		}
	}
	return v, err
}

// LoadBackup reads the value before the last Save.
func (f *File[T]) LoadBackup() (T, error) { return load[T](f.path + backupSuffix) }

func load[T any](path string) (T, error) {
	var v, none T
	file, err := os.Open(path)
	if err != nil {
		return none, fmt.Errorf("load: %w", err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, MaxSize+int64(maxLine)+1))
	if err != nil {
		return none, fmt.Errorf("load %s: %w", path, err)
	}
	if err := decode(raw, &v); err != nil {
		return none, &CorruptError{Path: path, Err: err}
	}
	return v, nil
}

// Save replaces the value and returns when it is on disk. On an error, a full
// disk for one, the old value stands.
func (f *File[T]) Save(v T) error {
	raw, err := encode(v)
	if err != nil {
		return fmt.Errorf("save %s: %w", f.path, err)
	}
	if err := f.replace(raw); err != nil {
		return fmt.Errorf("save %s: %w", f.path, err)
	}
	return nil
}

// replace writes beside the file, keeps the old one as backup, and renames, so
// that the path always names a whole value.
func (f *File[T]) replace(raw []byte) error {
	temp := f.path + tempSuffix
	if err := writeSynced(temp, raw); err != nil {
		return errors.Join(err, ignoreAbsent(os.Remove(temp)))
	}
	if err := f.keepBackup(); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, f.path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return syncDir(filepath.Dir(f.path))
}

// keepBackup gives the present value a second name. A damaged value never
// takes the place of a sound backup.
func (f *File[T]) keepBackup() error {
	if _, err := load[T](f.path); err != nil {
		return nil // nothing worth keeping: absent or damaged
	}
	temp := f.path + backupSuffix + tempSuffix
	if err := ignoreAbsent(os.Remove(temp)); err != nil {
		return err
	}
	if err := os.Link(f.path, temp); err != nil {
		return err
	}
	return os.Rename(temp, f.path+backupSuffix)
}

func writeSynced(path string, raw []byte) error {
	if err := ignoreAbsent(os.Remove(path)); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Remove deletes the value and its backup.
func (f *File[T]) Remove() error {
	for _, path := range []string{f.path + backupSuffix, f.path + tempSuffix, f.path} {
		if err := ignoreAbsent(os.Remove(path)); err != nil {
			return fmt.Errorf("remove value: %w", err)
		}
	}
	return nil
}
