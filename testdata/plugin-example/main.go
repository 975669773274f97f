// Command plugin-example is a checker written outside the product, against the
// published contract alone: a check of kind "file" is up while the file exists.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/api/probe"
)

func main() {
	api.ServeChecker(probe.New("example", "1.0", map[string]probe.Kind{
		"file": {Validate: validate, Watch: probe.Every("filecheck", exists)},
	}))
}

func validate(c api.Check) error {
	if c.Attrs["arg"] == "" {
		return fmt.Errorf("arg must be the path of a file: %w", api.ErrInvalid)
	}
	return nil
}

func exists(_ context.Context, c api.Check) (map[string]float64, error) {
	_, err := os.Stat(c.Attrs["arg"])
	return nil, err
}
