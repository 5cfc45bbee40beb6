package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// verified is the output of inspect --verify for a sound table. An unsound one is an error.
type verified struct {
	Sound     bool      `json:"sound"` // true
	Keys      int       `json:"keys"`
	Bytes     int       `json:"bytes"`
	Published time.Time `json:"published"`
	Seconds   float64   `json:"seconds"` // duration of the verification
}

func (c *inspectCommand) printVerified(w io.Writer, table *featurestore.Table) error {
	start := time.Now()
	if err := table.Verify(); err != nil {
		return fmt.Errorf("%s: the published table is damaged: %w; restart the daemon: it checks the table and builds it anew", c.Dir, err)
	}
	v := verified{Sound: true, Bytes: table.Size(), Published: time.Unix(0, table.Published).UTC(), Seconds: time.Since(start).Seconds()}
	for d := range table.Schema.Dimensions {
		v.Keys += table.Keys(d)
	}
	if c.JSON {
		return json.NewEncoder(w).Encode(v)
	}
	_, err := fmt.Fprintf(w, "sound: %d keys in %d bytes, published %s, verified in %.3f s\n", v.Keys, v.Bytes,
		v.Published.Format(time.RFC3339Nano), v.Seconds)
	return err
}
