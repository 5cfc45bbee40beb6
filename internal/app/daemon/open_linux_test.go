package daemon_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/app/daemon"
)

// Reports of open requests are published before any of the requests ends. What a proxy reports of
// the time to come, which no proxy of ours does, is not believed.
func TestOpenRequestsAppear(t *testing.T) {
	r := start(t, daemon.Config{})
	began := time.Now().Add(-10 * time.Second)
	var events []traffic.Event
	for second := range uint64(5) {
		for client := range 20 {
			ev := visit(client%4, "", began)
			ev.Open, ev.Reported, ev.Duration = true, second*1e9, (second+1)*1e9
			events = append(events, ev)
		}
	}
	p := proxy(t, r.dir)
	report(t, p, events...)
	r.consumed(100)
	compareRows(t, published(t, r.dir), byHand(t, readSeed(t, r.dir), events))
	hostile := visit(9, "", time.Now())
	hostile.Duration = uint64(time.Hour)
	again := hostile
	again.Open = true
	report(t, p, hostile, again)
	r.consumed(102)
	for dimension, rows := range published(t, r.dir) {
		for key, row := range rows {
			if row.stamp > time.Now().UnixNano() {
				t.Errorf("%s %#x: a row of %v", dimension, key, time.Unix(0, row.stamp))
			}
		}
	}
}
