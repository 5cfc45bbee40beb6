package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/mmapsync"
)

// What proxies count together is shown, for people and for programs, also while no daemon runs.
func TestInspectLimits(t *testing.T) {
	dir := hostdir.Dir(t.TempDir())
	if status, _, errOut := run(t, "inspect", string(dir), "--limits"); status != exitFailure || !strings.Contains(errOut, "headgate run --dir") {
		t.Errorf("without a limits file: status %d, %q", status, errOut)
	}
	keeper, err := hostlimits.OpenKeeper(dir.Limits(), hostlimits.KeeperConfig{Processes: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close()
	l, err := hostlimits.Join(dir.Limits(), hostlimits.Config{Threshold: 3})
	if err != nil {
		t.Fatal(err)
	}
	var states [5]hostlimits.TicketState
	for i := range states {
		l.AdmitString(&states[i], "10.0.0.1:80 shop\x1b[2J") // a host is what a client has sent
	}
	other, _ := l.AdmitString(new(hostlimits.TicketState), "10.0.0.2:80 www")
	l.WriteTallies()
	_, out, errOut := run(t, "inspect", string(dir), "--limits")
	for _, want := range []string{
		"1 of at most 4 proxy processes count together, 4 requests in flight, 4 admitted", "over_threshold 2", "no policy is published",
		`"10.0.0.1:80 shop\x1b[2J"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s%s", want, out, errOut)
		}
	}
	w, err := mmapsync.OpenWriter(dir.Policy(), mmapsync.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Publish([]byte(`{"threshold": 9, "overrides": {"10.0.0.2:80 www": 2}}`)); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var admitting sync.WaitGroup
	admitting.Go(func() { // so that there is a rate
		for ; !stop.Load(); time.Sleep(time.Millisecond) {
			a, _ := l.AdmitString(new(hostlimits.TicketState), "10.0.0.2:80 www")
			a.Ticket.Done()
		}
	})
	_, out, errOut = run(t, "inspect", filepath.Clean(string(dir)), "--limits", "--json", "-n", "2")
	stop.Store(true)
	admitting.Wait()
	var in inspectedLimits
	if strings.Contains(out, "hash") { // from hashes of known keys the file's secret could follow
		t.Errorf("hashes are printed: %s", out)
	}
	if err := json.Unmarshal([]byte(out), &in); err != nil {
		t.Fatalf("%v: %s%s", err, out, errOut)
	}
	if !in.PolicyPublished || in.Policy.Threshold != 9 || in.InFlight < 4 || in.Refused["over_threshold"] != 2 || len(in.Keys) != 2 {
		t.Fatalf("%+v", in)
	}
	first, second := in.Keys[0], in.Keys[1]
	if first.InFlight != 3 || *first.Threshold != 9 || first.Rate != 0 || second.Key != "10.0.0.2:80 www" || *second.Threshold != 2 || second.Rate < 1 {
		t.Errorf("%+v", in.Keys)
	}
	other.Ticket.Done()
}
