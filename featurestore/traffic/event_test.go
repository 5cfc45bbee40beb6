package traffic_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/tinylib/msgp/msgp"
)

// randomEvent fills every field with anything, within the bounds.
func randomEvent(rng *rand.Rand) traffic.Event {
	text := func(limit int) string {
		b := make([]byte, rng.IntN(limit+1))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return string(b)
	}
	ev := traffic.Event{
		Time: rng.Int64() - rng.Int64(), Method: text(traffic.MaxMethod), Host: text(traffic.MaxHost), Path: text(traffic.MaxPath),
		PathSum: rng.Uint64(), Query: uint16(rng.Uint32()), Link: uint16(rng.Uint32()), UserAgent: text(traffic.MaxUserAgent), AgentSum: rng.Uint64(),
		Facts: traffic.Facts(rng.Uint32()), Headers: uint8(rng.Uint32()), Wire: traffic.Wire(rng.Uint64()), Version: uint8(rng.Uint32()), JA4: text(traffic.MaxJA4),
		Session: rng.Uint64(), Origin: text(traffic.MaxOrigin), Status: uint16(rng.Uint32()), Bytes: rng.Uint64N(traffic.MaxBytes + 1),
		Duration: rng.Uint64N(traffic.MaxDuration + 1), Score: uint8(rng.Uint32()), Action: uint8(rng.Uint32()), Refused: rng.IntN(2) == 0,
		Open: rng.IntN(2) == 0, Reported: rng.Uint64N(traffic.MaxDuration + 1),
	}
	for i := range ev.Client {
		ev.Client[i] = byte(rng.Uint32())
	}
	return ev
}

// largestEvent takes the most bytes that a bounded event can.
func largestEvent() traffic.Event {
	return traffic.Event{
		Time: math.MinInt64, Client: [16]byte{0: 0xff, 15: 0xff}, Method: strings.Repeat("M", traffic.MaxMethod),
		Host: strings.Repeat("h", traffic.MaxHost), Path: strings.Repeat("/", traffic.MaxPath), PathSum: math.MaxUint64,
		Query: math.MaxUint16, Link: math.MaxUint16, UserAgent: strings.Repeat("u", traffic.MaxUserAgent), AgentSum: math.MaxUint64,
		Facts: math.MaxUint32, Headers: math.MaxUint8, Wire: math.MaxUint64, Version: math.MaxUint8, JA4: strings.Repeat("j", traffic.MaxJA4),
		Session: math.MaxUint64, Origin: strings.Repeat("o", traffic.MaxOrigin), Status: math.MaxUint16,
		Bytes: traffic.MaxBytes, Duration: traffic.MaxDuration, Score: math.MaxUint8, Action: math.MaxUint8, Open: true, Reported: traffic.MaxDuration, Refused: true,
	}
}

func marshal(t testing.TB, ev *traffic.Event) []byte {
	t.Helper()
	b, err := ev.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEventRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := range 2000 {
		want := randomEvent(rng)
		if n == 0 {
			want = traffic.Event{}
		}
		b := marshal(t, &want)
		var got traffic.Event
		rest, err := got.UnmarshalMsg(append(b, 1, 2, 3))
		if err != nil || len(rest) != 3 || got != want {
			t.Fatalf("%+v became %+v (%v, %d bytes left)", want, got, err, len(rest))
		}
		if len(b) > traffic.MaxEncoded || want.Msgsize() > traffic.MaxEncoded {
			t.Fatalf("%d bytes (estimated %d), at most %d were promised", len(b), want.Msgsize(), traffic.MaxEncoded)
		}
	}
}

// No bounded event needs more room than the largest one, since Msgsize grows with the lengths of
// the strings and with nothing else.
func TestLargestEventFits(t *testing.T) {
	ev := largestEvent()
	fields := reflect.ValueOf(ev)
	for i := range fields.NumField() {
		if fields.Field(i).IsZero() {
			t.Errorf("the largest event leaves %s at its zero value", fields.Type().Field(i).Name)
		}
	}
	same := ev
	if same.Bound() || same != ev {
		t.Error("the largest event is beyond the bounds")
	}
	if n := ev.Msgsize(); n > traffic.MaxEncoded {
		t.Errorf("Msgsize is %d, at most %d are promised", n, traffic.MaxEncoded)
	}
	if n := len(marshal(t, &ev)); n > ev.Msgsize() {
		t.Errorf("%d bytes, Msgsize told at most %d", n, ev.Msgsize())
	}
}

// A cell of the event queue takes the largest event without another allocation.
func TestEncodingAllocatesNothing(t *testing.T) {
	ev, cell := largestEvent(), make([]byte, 1008)
	n := testing.AllocsPerRun(100, func() {
		b, err := ev.MarshalMsg(cell[:0])
		if err != nil || &b[0] != &cell[0] {
			t.Fatal("another buffer was taken", err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Releases differ: what one does not know it skips, what it misses stays zero.
func TestOtherReleases(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	fields := make(map[string]any) // all fields of an event, by their names on the wire
	ev := randomEvent(rng)
	decoded, _, err := msgp.ReadMapStrIntfBytes(marshal(t, &ev), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range decoded {
		fields[name] = value
	}
	for range 200 {
		newer := map[string]any{"new": []any{1, "x", map[string]any{"y": []byte{1}}, nil, 1.5}, "": true, strings.Repeat("n", 300): int64(-1)}
		for name, value := range fields {
			if rng.IntN(2) == 0 {
				newer[name] = value
			}
		}
		b, err := msgp.AppendMapStrIntf(nil, newer)
		if err != nil {
			t.Fatal(err)
		}
		var got traffic.Event
		if rest, err := got.UnmarshalMsg(b); err != nil || len(rest) != 0 {
			t.Fatalf("%v, %d bytes left", err, len(rest))
		}
		again, _, err := msgp.ReadMapStrIntfBytes(marshal(t, &got), nil)
		if err != nil {
			t.Fatal(err)
		}
		zeroEvent := traffic.Event{}
		zero, _, _ := msgp.ReadMapStrIntfBytes(marshal(t, &zeroEvent), nil)
		for name := range fields {
			want, sent := newer[name]
			if !sent {
				want = zero[name]
			}
			if !reflect.DeepEqual(again[name], want) {
				t.Errorf("field %q (sent: %v) is %v, want %v", name, sent, again[name], want)
			}
		}
	}
}

func TestBound(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	ev := traffic.Event{Method: long, Host: long, Path: long, UserAgent: long, JA4: long, Origin: long}
	if !ev.Bound() {
		t.Error("nothing was beyond a bound")
	}
	if err := bounded(&ev); err != nil {
		t.Error(err)
	}
	if ev.PathSum == 0 || ev.AgentSum == 0 {
		t.Error("no hash of what was cut")
	}
	short := traffic.Event{Path: long[:traffic.MaxPath], UserAgent: long[:traffic.MaxUserAgent]}
	if short.Bound() {
		t.Error("strings of the full length are beyond their bound")
	}
	if short.PathSum != 0 || short.AgentSum != 0 || len(short.Path) != traffic.MaxPath || len(short.UserAgent) != traffic.MaxUserAgent {
		t.Error("strings of the full length are cut")
	}
	twice := ev
	if twice.Bound() || twice != ev {
		t.Error("a second Bound changes what the first made")
	}
	for what, one := range map[string]traffic.Event{"bytes": {Bytes: math.MaxUint64}, "duration": {Duration: math.MaxUint64},
		"method": {Method: long}, "host": {Host: long}, "path": {Path: long}, "user agent": {UserAgent: long}, "JA4": {JA4: long},
		"origin": {Origin: long}} {
		if !one.Bound() {
			t.Errorf("an absurd %s is not told", what)
		}
		if err := bounded(&one); err != nil {
			t.Error(err)
		}
	}
}

// bounded tells which promise of an event's size does not hold.
func bounded(ev *traffic.Event) error {
	if ev.Bytes > traffic.MaxBytes || ev.Duration > traffic.MaxDuration {
		return fmt.Errorf("%d bytes in %d ns", ev.Bytes, ev.Duration)
	}
	for name, n := range map[string][2]int{
		"method": {len(ev.Method), traffic.MaxMethod}, "host": {len(ev.Host), traffic.MaxHost}, "path": {len(ev.Path), traffic.MaxPath},
		"user agent": {len(ev.UserAgent), traffic.MaxUserAgent}, "JA4": {len(ev.JA4), traffic.MaxJA4},
		"origin": {len(ev.Origin), traffic.MaxOrigin}, "message": {ev.Msgsize(), traffic.MaxEncoded},
	} {
		if n[0] > n[1] {
			return fmt.Errorf("%s has %d bytes, at most %d are promised", name, n[0], n[1])
		}
	}
	return nil
}

func TestClientAddress(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":           "192.0.2.1",
		"::ffff:192.0.2.1":    "192.0.2.1",
		"2001:db8::1":         "2001:db8::1",
		"fe80::1%eth0":        "fe80::1",
		"::1":                 "::1",
		"0.0.0.0":             "0.0.0.0",
		"::ffff:192.0.2.1%42": "192.0.2.1",
	} {
		var ev traffic.Event
		ev.SetClient(netip.MustParseAddr(in))
		if got := ev.Addr(); got != netip.MustParseAddr(want) {
			t.Errorf("%s became %v, want %s", in, got, want)
		}
		if ev.SetClient(netip.Addr{}); ev.Addr().IsValid() || ev.Client != [16]byte{} {
			t.Errorf("an unknown address after %s: %v", in, ev.Addr())
		}
	}
	ev := traffic.Event{Time: 1e18}
	if !ev.At().Equal(time.Unix(1e9, 0)) {
		t.Error(ev.At())
	}
}

// FuzzEventUnmarshal decodes any bytes. Every result keeps every bound after Bound, and can be
// encoded and observed.
func FuzzEventUnmarshal(f *testing.F) {
	for _, seed := range eventSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var ev, again traffic.Event
		if _, err := ev.UnmarshalMsg(b); err != nil {
			return
		}
		ev.Bound()
		if err := bounded(&ev); err != nil {
			t.Fatal(err)
		}
		if rest, err := again.UnmarshalMsg(marshal(t, &ev)); err != nil || len(rest) != 0 || again != ev {
			t.Fatalf("%+v became %+v: %v", ev, again, err)
		}
		checkObserved(t, &ev)
	})
}

// checkObserved holds what the aggregation and a model get of an event to their ranges.
func checkObserved(t *testing.T, ev *traffic.Event) {
	t.Helper()
	var o, again traffic.Observation
	traffic.Observe(ev, 1, &o)
	for m, v := range o.Measures {
		if !(v >= 0 && v <= traffic.MaxBytes) {
			t.Errorf("measure %d of %+v is %v", m, ev, v)
		}
	}
	if ev.Open {
		if o.Keys[traffic.DimUserAgent]|o.Keys[traffic.DimIPAgent]|o.Keys[traffic.DimWire] != 0 || o.Measures != [traffic.NumMeasures]float32{} {
			t.Errorf("the report %+v counts for %v, %v", ev, o.Keys, o.Measures)
		}
	} else if pair := o.Keys[traffic.DimIP] != 0 && !ev.Facts.Has(traffic.FactAgentUnknown); o.Keys[traffic.DimIPAgent] != 0 != pair || o.Keys[traffic.DimNet] != 0 != (o.Keys[traffic.DimIP] != 0) ||
		o.Keys[traffic.DimNet64] != 0 != ev.Addr().Is6() {
		t.Errorf("%+v has the keys %v", ev, o.Keys)
	}
	var features [traffic.NumRequestFeatures]float32
	traffic.RequestFeatures(ev, &features)
	for i, v := range features {
		if math.IsInf(float64(v), 0) {
			t.Errorf("%s of %+v is %v", traffic.RequestCatalog[i].Name, ev, v)
		}
	}
	same := *ev // by another way of writing the same address
	if same.SetClient(ev.Addr()); ev.Addr().IsValid() {
		traffic.Observe(&same, 1, &again)
		if again.Keys != o.Keys {
			t.Errorf("%v has the keys %v and %v", ev.Addr(), o.Keys, again.Keys)
		}
	}
}

// FuzzClientAddress takes any text that is an address: what an event keeps is the address without
// its zone, and the IPv4 address where it is mapped into IPv6; both forms have the same keys.
func FuzzClientAddress(f *testing.F) {
	for _, seed := range []string{"192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201%eth0", "2001:db8::1", "fe80::1%lo", "::", "0.0.0.0", "::1.2.3.4",
		"64:ff9b::c000:201", "::ffff:0:0", "1.2.3", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		var ev, plain traffic.Event
		ev.SetClient(addr)
		want := addr.Unmap().WithZone("")
		if want == netip.IPv6Unspecified() { // stands for unknown
			want = netip.Addr{}
		}
		if ev.Addr() != want {
			t.Errorf("%q became %v, want %v", text, ev.Addr(), want)
		}
		plain.SetClient(want)
		if ev != plain || traffic.NewKeys(&ev, 7) != traffic.NewKeys(&plain, 7) {
			t.Errorf("%q and %v differ", text, want)
		}
	})
}

func eventSeeds(t testing.TB) [][]byte {
	t.Helper()
	var seeds [][]byte
	rng := rand.New(rand.NewPCG(3, 3))
	for range 8 {
		ev := randomEvent(rng)
		seeds = append(seeds, marshal(t, &ev))
	}
	largest := largestEvent()
	unbounded := traffic.Event{Path: strings.Repeat("/a", 1000), UserAgent: strings.Repeat("x", 1000), Host: strings.Repeat("h", 1000)}
	whole := marshal(t, &largest)
	return append(seeds, whole, marshal(t, &unbounded), whole[:len(whole)/2], []byte{0x80}, nil)
}

// The seeds are what they are meant to be.
func TestFuzzSeeds(t *testing.T) {
	sound := 0
	for _, b := range eventSeeds(t) {
		var ev traffic.Event
		if _, err := ev.UnmarshalMsg(b); err == nil {
			sound++
		}
	}
	if sound != 11 {
		t.Errorf("%d sound seeds, want 11", sound)
	}
}

// Nesting without end must not exhaust the stack.
func TestDeepNesting(t *testing.T) {
	b := []byte{0x81, 0xa1, 'x'}
	for range 1_000_000 {
		b = append(b, 0x91) // an array of one
	}
	var ev traffic.Event
	if _, err := ev.UnmarshalMsg(b); err == nil {
		t.Error("a message without an end is taken")
	}
}

// An observation tells the time that a request was open, as far as nothing told it before; a report
// tells nothing else.
func TestObservedOpenTime(t *testing.T) {
	const second = uint64(time.Second)
	for name, c := range map[string]struct {
		ev       traffic.Event
		now      int64
		from, to int64 // seconds
	}{
		"a short request":           {traffic.Event{Time: 100e9, Duration: second - 1}, 200e9, 0, 0},
		"a long one":                {traffic.Event{Time: 100e9, Duration: 5 * second}, 200e9, 100, 105},
		"one told in part":          {traffic.Event{Time: 100e9, Duration: 5 * second, Reported: 4 * second}, 200e9, 104, 105},
		"one told whole":            {traffic.Event{Time: 100e9, Duration: 5 * second, Reported: 5 * second}, 200e9, 0, 0},
		"one told beyond its end":   {traffic.Event{Time: 100e9, Duration: 5 * second, Reported: 9 * second}, 200e9, 0, 0},
		"a report":                  {traffic.Event{Time: 100e9, Duration: 3 * second, Reported: 2 * second, Open: true}, 200e9, 102, 103},
		"one that ends after now":   {traffic.Event{Time: 100e9, Duration: 9000 * second}, 150e9, 100, 150},
		"one that begins after now": {traffic.Event{Time: 160e9, Duration: 5 * second}, 150e9, 150, 150},
	} {
		c.ev.SetClient(netip.MustParseAddr("192.0.2.1"))
		c.ev.Method, c.ev.Path, c.ev.UserAgent, c.ev.Status = "GET", "/", "x", 200
		var o traffic.Observation
		traffic.Observe(&c.ev, 1, &o)
		o.ClipOpen(c.now)
		if o.OpenFrom != c.from*1e9 || o.OpenTo != c.to*1e9 || o.Report != c.ev.Open {
			t.Errorf("%s: from %d to %d, want %d s to %d s", name, o.OpenFrom, o.OpenTo, c.from, c.to)
		}
		if c.ev.Open && (o.Keys[traffic.DimUserAgent] != 0 || o.Measures[traffic.MeasureRequests] != 0 || o.Time != o.OpenTo) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// An event ahead of the clock by more than is allowed is of now; any other keeps its time.
func TestClipTime(t *testing.T) {
	const now = int64(1_000_000_000_000)
	for at, want := range map[int64]int64{
		now: now, now - 1: now - 1, 0: 0, now + int64(traffic.MaxAhead): now + int64(traffic.MaxAhead), now + int64(traffic.MaxAhead) + 1: now,
		math.MaxInt64: now, math.MinInt64: math.MinInt64,
	} {
		ev := traffic.Event{Time: at}
		if clipped := ev.ClipTime(now, traffic.MaxAhead); ev.Time != want || clipped != (want != at) {
			t.Errorf("an event of %d at %d is of %d, clipped %v", at, now, ev.Time, clipped)
		}
	}
}
