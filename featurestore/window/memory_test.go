package window_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// A flood is told by its client's row for hours after it is over, when the sums of ten seconds to
// ten minutes have long forgotten it; a person's page with its assets is not taken for one.
func TestFloodIsRemembered(t *testing.T) {
	a := newAggregator(t, window.Config{})
	send := func(client uint64, at int64, requests int, per time.Duration) int64 {
		for range requests {
			o := traffic.Observation{Time: at, Keys: traffic.Keys{traffic.DimIP: client, traffic.DimIPAgent: client}}
			o.Measures[traffic.MeasureRequests], o.Measures[traffic.MeasureClientErrors] = 1, 1
			a.Add(&o)
			at += int64(per)
		}
		return at
	}
	const flood, person = 1, 2
	end := send(flood, noon, 600, 15*time.Millisecond)
	send(person, noon, 40, 15*time.Millisecond)
	names := []string{"ip/peak_requests_10s", "ip/requests_10m", "ip/peak_client_errors_1m", "ip_ua/peak_requests_10s", "ip/requests_24h"}
	selection, row := a.Select(names), make([]float32, len(names))
	for _, after := range []time.Duration{10 * time.Second, 10 * time.Minute, time.Hour, 2 * time.Hour} {
		at := end + int64(after)
		send(flood, at, 1, 0)
		send(person, at, 1, 0)
		selection.Read(row, &traffic.Keys{traffic.DimIP: flood, traffic.DimIPAgent: flood}, at)
		if row[0] < 330 || row[0] > 400 || row[2] < 450 || row[3] != row[0] || row[4] < 550 {
			t.Errorf("%v after the flood: %v are %v", after, names, row)
		}
		if after >= time.Hour && row[1] > 5 {
			t.Errorf("%v after the flood: its ten minutes still have %v requests", after, row[1])
		}
		selection.Read(row, &traffic.Keys{traffic.DimIP: person, traffic.DimIPAgent: person}, at)
		if row[0] > 40 {
			t.Errorf("a person's worst ten seconds have %v requests, want 40 at most", row[0])
		}
	}
	selection.Read(row, &traffic.Keys{traffic.DimIP: flood}, end+int64(26*time.Hour))
	if row[0] > 150 || row[0] < 100 {
		t.Errorf("a day later the peak is %v, want about 1/e of it", row[0])
	}
}

// A key that flooded keeps its row for a day, however idle it is; others are dropped after
// Config.Idle.
func TestFloodKeepsItsRow(t *testing.T) {
	const flood, person, idle = 1, 2, 3 * time.Hour
	a, still := newAggregator(t, window.Config{Idle: idle}), make([]float32, 100)
	add := func(client uint64, n int) {
		for range n {
			o := traffic.Observation{Time: noon, Keys: traffic.Keys{traffic.DimIP: client}}
			o.Measures[traffic.MeasureRequests] = 1
			a.Add(&o)
		}
	}
	add(flood, 300)
	add(person, 100)
	for after := time.Duration(0); after <= 25*time.Hour; after += time.Minute {
		a.Tick(noon + int64(after))
		for client, kept := range map[uint64]time.Duration{flood: 24 * time.Hour, person: idle} {
			if _, ok := a.Row(traffic.DimIP, client, still); ok != (after <= kept) && (after < kept || after > kept+time.Minute) {
				t.Fatalf("%v after its last request client %d has a row: %v", after, client, ok)
			}
		}
	}
}

// Where keys have to make place, those that did not flood go first, unless those that did were idle
// for an hour longer.
func TestFloodIsEvictedLater(t *testing.T) {
	const size, floods = 400, 100
	a := newAggregator(t, window.Config{MaxKeys: size, Promote: 1, Idle: 100 * time.Hour})
	at := int64(noon)
	add := func(client uint64, n int) {
		for range n {
			o := traffic.Observation{Time: at, Keys: traffic.Keys{traffic.DimIP: client}}
			o.Measures[traffic.MeasureRequests] = 1
			a.Add(&o)
		}
		at += int64(time.Second)
	}
	kept := func() (n int) {
		for client := range uint64(floods) {
			if _, ok := a.Row(traffic.DimIP, 1+client, make([]float32, 100)); ok {
				n++
			}
		}
		return n
	}
	for client := range uint64(floods) {
		add(1+client, 210)
	}
	for client := range uint64(2 * size) {
		add(1000+client, 1)
	}
	if n := kept(); n < floods-2 {
		t.Errorf("%d of %d rows of floods are left after %d other clients", n, floods, 2*size)
	}
	at += int64(3 * time.Hour)
	for client := range uint64(8 * size) {
		add(10_000+client, 1)
	}
	if n := kept(); n > floods/10 {
		t.Errorf("%d of %d rows of floods are left hours later, with %d new clients", n, floods, 8*size)
	}
}
