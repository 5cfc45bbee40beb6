//go:build !linux

package outfile

import (
	"errors"
	"os"
)

func newUnnamed(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func nameIt(*os.File, string) error { return errors.ErrUnsupported }
