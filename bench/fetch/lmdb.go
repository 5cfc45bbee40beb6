package fetch

import (
	"path/filepath"
	"strconv"

	"github.com/headgate/headgate/bench/harness"
)

// startLMDB starts the driver and has it fill its database, in a file in memory.
func startLMDB(dir string, keys int) (*harness.Driver, error) {
	program, err := harness.FindBuilt("lmdb_peer")
	if err != nil {
		return nil, err
	}
	d, err := harness.StartDriver(program, filepath.Join(dir, "lmdb"), strconv.Itoa(keys))
	if err != nil {
		return nil, err
	}
	if _, err := d.Ask("fill"); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}
