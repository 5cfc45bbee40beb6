package hostlimits_test

import (
	"sync"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// A ticket of two keys ends both once, however often and by which goroutine it is done, and also if
// its memory serves another ticket next.
func TestTicketsOfTwoKeysEndOnce(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 6,
		Overrides: map[string]uint32{"o shop": 3}}))
	outer, shop, other := []byte("o"), []byte("o shop"), []byte("o other")
	const goroutines, each = 8, 2000
	admitted := make([]uint64, goroutines)
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			var state hostlimits.TicketState
			var late hostlimits.Ticket
			for i := range each {
				within := shop
				if i%3 == 0 {
					within = other
				}
				a, ok := l.AdmitWithin(&state, outer, within, nil)
				late.Done() // of the memory's former ticket: in vain
				if !ok {
					continue
				}
				admitted[g]++
				if n := l.InFlight(shop); n > 3 {
					t.Errorf("%d in flight of 3", n)
				}
				if n := l.InFlight(outer); n > 6 {
					t.Errorf("%d in flight of 6", n)
				}
				var pair sync.WaitGroup
				won := make([]bool, 2)
				for k := range won {
					pair.Go(func() { won[k] = a.Ticket.Done() })
				}
				pair.Wait()
				if won[0] == won[1] {
					t.Errorf("done: %v", won)
				}
				late = a.Ticket
			}
		})
	}
	group.Wait()
	total := uint64(0)
	for _, n := range admitted {
		total += n
	}
	if s := l.Stats(); s.InFlight != 0 || s.Admitted != total || total == 0 ||
		l.InFlight(shop) != 0 || l.InFlight(outer) != 0 {
		t.Errorf("%d admitted: %+v", total, s)
	}
}
