package hostlimits_test

import (
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// What processes that count together pay for an admission and its release: one alone in the file,
// and one beside seven that have something in flight for the same key. BenchmarkFourAtomics is the
// least that it can cost.
func BenchmarkLimiterShared(b *testing.B) {
	for name, others := range map[string]int{"alone": 0, "beside7": 7} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "limits")
			keeper := must(hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{}))
			defer keeper.Close()
			key := []byte("10.0.0.1:8080 shop.example")
			config := hostlimits.Config{Threshold: 1000}
			l := must(hostlimits.Join(path, config))
			for range others {
				a, _ := must(hostlimits.Join(path, config)).Admit(new(hostlimits.TicketState), key)
				defer a.Ticket.Done()
			}
			overKeysWithState(b, func(state *hostlimits.TicketState, _ []byte) {
				if a, ok := l.Admit(state, key); ok {
					a.Ticket.Done()
				}
			})
		})
	}
}
