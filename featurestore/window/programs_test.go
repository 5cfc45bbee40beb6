package window_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// wired is the request of a client whose program looks like the print.
func wired(a *window.Aggregator, at int64, client [4]int, agent string, print uint32) traffic.Observation {
	ev := traffic.Event{Time: at, Method: "GET", Path: "/", Host: "a.test", UserAgent: agent, Status: 200, Facts: traffic.FactHeadersKnown,
		Wire: traffic.MakeWire(traffic.WireFacts{Seen: true}, print)}
	ev.SetClient(v4(client[0], client[1], client[2], client[3]))
	var o traffic.Observation
	traffic.Observe(&ev, 1, &o)
	a.Add(&o)
	return o
}

// How the clients of a browser usually look on the wire is learned from them, by program and
// version and by network: a client that copies the user agent and looks otherwise shows with its
// first request, however many it has sent before.
func TestShareOfAWire(t *testing.T) {
	const usual, copied, other = 0x1111, 0x2222, 0x3333
	a := newAggregator(t, window.Config{})
	share := func(o traffic.Observation) float32 { return read(a, &o, "program_wire/program_share_24h")[0] }
	at := int64(noon)
	for round := range 3 {
		for network := range 100 {
			at += int64(10 * time.Second)
			agent := chrome(140)
			if network%2 == 0 { // another system, the same program
				agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
			}
			wired(a, at, [4]int{10, round, network, 1}, agent, usual)
		}
		for range 200 { // one network, much traffic
			wired(a, at, [4]int{203, 0, 113, 1}, chrome(140), copied)
		}
	}
	if v := share(wired(a, at, [4]int{10, 9, 9, 9}, chrome(140), usual)); v < 0.95 {
		t.Errorf("%v of the clients look like nearly all", v)
	}
	if v := share(wired(a, at, [4]int{203, 0, 113, 1}, chrome(140), copied)); v > 0.02 || v == 0 {
		t.Errorf("%v of the clients look like the one that sends most", v)
	}
	if v := share(wired(a, at, [4]int{198, 51, 100, 7}, chrome(140), copied)); v > 0.02 {
		t.Errorf("%v of the clients look like a copied user agent, at a client's first request", v)
	}
	if v := share(wired(a, at, [4]int{198, 51, 100, 8}, "curl/8.5.0", other)); v != 1 {
		t.Errorf("%v of the clients look like the only one of its program", v)
	}
}

// A flood of new networks moves the share by fifteen clients a minute.
func TestShareOfAWireInAFlood(t *testing.T) {
	a := newAggregator(t, window.Config{})
	at := int64(noon)
	for network := range 150 {
		at += int64(time.Minute)
		wired(a, at, [4]int{10, 0, network, 1}, chrome(140), 1)
	}
	for network := range 5000 {
		wired(a, at, [4]int{100, network / 250, network % 250, 1}, chrome(140), 2)
	}
	o := wired(a, at, [4]int{10, 0, 1, 1}, chrome(140), 1)
	if v := read(a, &o, "program_wire/program_share_24h")[0]; v < 0.9 {
		t.Errorf("after a minute's flood, %v of the clients look as they always did", v)
	}
}

// More programs than there is room for forget those with few clients, not the common ones.
func TestManyPrograms(t *testing.T) {
	a := newAggregator(t, window.Config{MaxKeys: 256})
	at := int64(noon)
	var o traffic.Observation
	for n := range 3000 {
		at += int64(2 * time.Second)
		o = wired(a, at, [4]int{10, n / 250, n % 250, 1}, chrome(140), 1)
		wired(a, at, [4]int{203, 0, 113, n % 250}, string(rune('a'+n%26))+string(rune('a'+n/26%26))+"x/1", 2)
	}
	if v := read(a, &o, "program_wire/program_share_24h")[0]; v < 0.99 {
		t.Errorf("%v of the clients look as all do", v)
	}
}
