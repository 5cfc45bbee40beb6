package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/mmapsync"
)

// rateInterval is the time over which inspect --limits measures rates.
const rateInterval = time.Second

// inspectedLimits is the output of inspect --limits.
type inspectedLimits struct {
	Processes       uint64            `json:"processes"`
	Capacity        uint64            `json:"capacity"`
	Reaped          uint64            `json:"reaped_processes"`
	Orphans         uint64            `json:"orphaned_requests"`
	InFlight        uint64            `json:"in_flight"`
	Admitted        uint64            `json:"admitted"`
	Refused         map[string]uint64 `json:"refused"`
	ExactKeys       int               `json:"exact_keys"`
	PinnedKeys      int               `json:"pinned_keys"`
	Bytes           int               `json:"bytes"`
	PolicyPublished bool              `json:"policy_published"`
	Policy          hostlimits.Policy `json:"policy"`
	Keys            []inspectedLimit  `json:"keys"`
}

type inspectedLimit struct {
	Key       string  `json:"key"` // cut to 116 bytes; a hash would reveal the file's secret
	InFlight  uint64  `json:"in_flight"`
	Rate      float64 `json:"admitted_per_second"`
	Threshold *uint32 `json:"threshold"` // null: unlimited by the policy, or each proxy's own
}

// printLimits reads the limits file twice to measure rates.
func (c *inspectCommand) printLimits(ctx context.Context, w io.Writer) error {
	dir := hostdir.Dir(c.Dir)
	all := hostlimits.MaxExactKeys
	before, err := hostlimits.ReadReport(dir.Limits(), all, c.owners...)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: no daemon has made a limits file here; start one with: headgate run --dir %s", c.Dir, c.Dir)
	}
	if err != nil {
		return err
	}
	start := time.Now()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rateInterval):
	}
	now, err := hostlimits.ReadReport(dir.Limits(), c.Count, c.owners...)
	if err != nil {
		return err
	}
	policy, published, err := c.readPolicy(dir)
	if err != nil {
		return err
	}
	in := inspectLimits(before, now, time.Since(start), policy, published)
	if c.JSON {
		return json.NewEncoder(w).Encode(in)
	}
	return in.print(w)
}

func inspectLimits(before, now hostlimits.Report, elapsed time.Duration, p hostlimits.Policy, published bool) inspectedLimits {
	in := inspectedLimits{
		Processes: now.Processes, Capacity: now.Capacity, Reaped: now.Reaped, Orphans: now.Orphans, InFlight: now.InFlight,
		Admitted: now.Admitted, Refused: make(map[string]uint64), ExactKeys: now.ExactKeys, PinnedKeys: now.Pinned,
		Bytes: now.Bytes, PolicyPublished: published, Policy: p, Keys: []inspectedLimit{},
	}
	for reason, n := range now.Refused[1:] { // the first counts admitted requests
		in.Refused[hostlimits.Reason(reason+1).String()] = n
	}
	former := make(map[uint64]uint32)
	for _, load := range before.Heaviest {
		former[load.Hash] = load.Admitted
	}
	for _, load := range now.Heaviest {
		line := inspectedLimit{Key: load.Key, InFlight: load.InFlight}
		if admitted, ok := former[load.Hash]; ok {
			line.Rate = float64(load.Admitted-admitted) / elapsed.Seconds()
		}
		if threshold, ok := p.Overrides[load.Key]; ok {
			line.Threshold = &threshold
		} else if p.Threshold != 0 {
			line.Threshold = &p.Threshold
		}
		in.Keys = append(in.Keys, line)
	}
	return in
}

// readPolicy reads the policy that the proxies use; published is false if they use their own
// configuration.
func (c *inspectCommand) readPolicy(dir hostdir.Dir) (p hostlimits.Policy, published bool, err error) {
	reader, err := mmapsync.OpenReader(dir.Policy(), mmapsync.ReaderOptions{Slots: 1, Owners: c.owners})
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	defer reader.Close()
	snapshot, err := reader.Acquire()
	if errors.Is(err, mmapsync.ErrNotPublished) {
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	defer snapshot.Release()
	p, err = hostlimits.ParsePolicy(snapshot.Bytes())
	return p, string(snapshot.Bytes()) != "{}", err
}

func (in *inspectedLimits) print(w io.Writer) error {
	fmt.Fprintf(w, "%d of at most %d proxy processes count together, %d requests in flight, %d admitted\n",
		in.Processes, in.Capacity, in.InFlight, in.Admitted)
	fmt.Fprintf(w, "%d processes died, with %d requests in flight that were taken out\n", in.Reaped, in.Orphans)
	fmt.Fprint(w, "refused:")
	for r := hostlimits.OverThreshold; r.String() != "unknown"; r++ {
		fmt.Fprintf(w, " %s %d", r, in.Refused[r.String()])
	}
	fmt.Fprintf(w, "\n%d keys with exact counters, %d of them configured; %d bytes\n", in.ExactKeys, in.PinnedKeys, in.Bytes)
	if !in.PolicyPublished {
		fmt.Fprintln(w, "no policy is published: each proxy's own thresholds hold")
	}
	fmt.Fprintf(w, "\n%10s %12s %10s  %s\n", "in flight", "admitted/s", "threshold", "key")
	for _, line := range in.Keys {
		threshold := "-"
		if line.Threshold != nil {
			threshold = fmt.Sprint(*line.Threshold)
		}
		fmt.Fprintf(w, "%10d %12.1f %10s  %q\n", line.InFlight, line.Rate, threshold, line.Key)
	}
	return nil
}
