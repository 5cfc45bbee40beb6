// Package suites holds the comparisons that fit one file each.
package suites

import (
	"os"

	"github.com/headgate/headgate/bench/harness"
)

// memoryDir makes a folder in memory, where the daemon's files lie, too. The caller removes it.
func memoryDir() (string, error) {
	return os.MkdirTemp(harness.MemoryDir(), "headgate-bench-")
}

// startBuilt starts a driver that the set-up script has built; nil goes with an error.
func startBuilt(name string, args ...string) (*harness.Driver, error) {
	path, err := harness.FindBuilt(name)
	if err != nil {
		return nil, err
	}
	return harness.StartDriver(path, args...)
}

// asked is an implementation that a driver measures.
func asked(name string, d *harness.Driver, request string) harness.Implementation {
	return harness.Implementation{Name: name, Measure: func() ([]harness.Measurement, error) { return d.Ask(request) }}
}
