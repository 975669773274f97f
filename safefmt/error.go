package safefmt

import (
	"errors"
	"io/fs"
	"strings"
)

// ErrNoConfig is the cause when a tree or an archive has no
// conf/userconfig.xml (safe-package.md section 9, rule 6).
var ErrNoConfig = errors.New("no conf/userconfig.xml: this is not a module package")

// ErrLimit is the cause when a package is larger than Limits allow
// (safe-package.md section 9, rule 5).
var ErrLimit = errors.New("package too large")

// Error says which package, which entry in it, and what is wrong there.
type Error struct {
	File  string // the package or directory as the caller named it
	Entry string // name inside the package; empty when the whole is meant
	Err   error  // the cause
}

// Error reads "file: entry: cause".
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{e.File, e.Entry, e.Err.Error()} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// at puts the entry's name on an error that has none yet.
func at(entry string, err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &Error{Entry: entry, Err: err}
}

// in puts the file's name on an error.
func in(file string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) && e.File == "" {
		return &Error{File: file, Entry: e.Entry, Err: e.Err}
	}
	return &Error{File: file, Err: cause(err)}
}

// cause drops the path that a file system error repeats, since Error names
// the file already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
