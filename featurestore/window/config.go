package window

import (
	"fmt"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Config is the configuration of an Aggregator. The zero value is ready for use.
type Config struct {
	Features []traffic.Feature // default: traffic.Catalog()
	MaxKeys  int               // keys kept per dimension; default 131,072
	// a key idle for longer is dropped, but see traffic.Fold.Keep; default 3 h
	Idle time.Duration

	// While a dimension is at least half full, a key gets a row on its Promote-th event, and a
	// sketch counts the events until then. With 1 every key gets a row at once. Default 5, at most
	// 255.
	Promote int

	// Workers is the number of goroutines that fold. It does not change the result by a bit. With
	// 1, the default, the caller's goroutine folds.
	Workers int
}

const (
	defaultMaxKeys = 1 << 17
	defaultIdle    = 3 * time.Hour
	defaultPromote = 5
	maxWorkers     = 256
)

// MaxMaxKeys is the highest Config.MaxKeys.
const MaxMaxKeys = 1<<31 - 1

func (c *Config) setDefaults() error {
	if c.Features == nil {
		c.Features = traffic.Catalog()
	}
	if c.MaxKeys == 0 {
		c.MaxKeys = defaultMaxKeys
	}
	if c.Idle == 0 {
		c.Idle = defaultIdle
	}
	if c.Promote == 0 {
		c.Promote = defaultPromote
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	switch {
	case c.MaxKeys < 0 || c.MaxKeys > MaxMaxKeys:
		return fmt.Errorf("window: %d keys in each dimension: want 1 to %d", c.MaxKeys, MaxMaxKeys)
	case c.Idle < 0:
		return fmt.Errorf("window: keys dropped after %v: want a time above 0", c.Idle)
	case c.Promote < 1 || c.Promote > 255:
		return fmt.Errorf("window: a row on the %d-th event: 1 to 255 are allowed", c.Promote)
	case c.Workers < 1 || c.Workers > maxWorkers:
		return fmt.Errorf("window: %d workers, 1 to %d are allowed", c.Workers, maxWorkers)
	}
	for _, f := range c.Features {
		if f.Dimension >= traffic.NumDimensions {
			return fmt.Errorf("window: feature %s is of the unknown dimension %d", f.Name,
				uint8(f.Dimension))
		}
	}
	return nil
}
