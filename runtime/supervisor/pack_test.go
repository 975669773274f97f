package supervisor

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/safehold/safehold/safefmt"
)

func packRig(ctx context.Context, dir, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	err = errors.Join(safefmt.Pack(ctx, dir, f), f.Close())
	return errors.Join(err, os.RemoveAll(dir))
}
