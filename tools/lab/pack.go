package lab

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/safehold/safehold/safefmt"
)

func packDir(ctx context.Context, dir, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	return errors.Join(safefmt.Pack(ctx, dir, f), f.Close())
}
