package hostlimits_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// reapDamage reaps until damage is found, and returns what was said.
func reapDamage(t *testing.T, keeper *hostlimits.Keeper) string {
	t.Helper()
	var damage *hostlimits.DamageError
	for range 5 {
		if _, err := keeper.Reap(); errors.As(err, &damage) {
			return damage.Reason
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return ""
}

// Counters that processes have made are never taken for damage.
func TestSoundCountersAreNoDamage(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 4, ExactKeys: 64})
	goOn := running()
	var group sync.WaitGroup
	for p := range 3 {
		l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 5000}))
		group.Go(func() {
			states := make([]hostlimits.TicketState, 6000)
			for i := uint64(0); goOn(); i++ {
				tickets := make([]hostlimits.Ticket, 0, len(states))
				for j := range states { // one key, few keys, all different keys
					a, _ := l.AdmitString(&states[j], fmt.Sprint("key ", uint64(j*p)%(1+i*500)))
					tickets = append(tickets, a.Ticket)
				}
				for _, ticket := range tickets {
					ticket.Done()
				}
			}
		})
	}
	for goOn() {
		if _, err := keeper.Reap(); err != nil {
			t.Error(err)
			break
		}
	}
	group.Wait()
	if r := report(t, keeper); r.InFlight != 0 || r.Clipped != 0 || r.Scrubbed != 0 ||
		r.GivenUp != 0 {
		t.Errorf("%+v", r.SharedStats)
	}
}

// Counts in ledgers of free seats last only until the keeper's next inspection, and requests of the
// living stay.
func TestLedgersOfNobodyAreSetToZero(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 2, ExactKeys: 8})
	l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 3}))
	held, _ := l.AdmitString(new(hostlimits.TicketState), "k")
	defer func() { held.Ticket.Done() }()
	words := l.Words()[128+256*2:] // of locks and what follows
	start := 128 + 64 + 1024
	for at := start; at < len(words); at += 8 {
		counter := words[at:]
		if at < start+128 { // exact counters: 8 bytes for each ledger
			if (at-start)/8%2 == 1 {
				binary.LittleEndian.PutUint64(counter, 7)
			}
			continue
		}
		binary.LittleEndian.PutUint32(counter[4:], 7) // cells: 4 bytes for each
	}
	l.RaiseUsed(2)
	if a, ok := l.AdmitString(new(hostlimits.TicketState), "k"); ok {
		t.Fatalf("the test wrote nothing that counts: %+v", a)
	}
	if said := reapDamage(t, keeper); !strings.Contains(said, "of free seat") {
		t.Errorf("the keeper says %q", said)
	}
	a, ok := l.AdmitString(new(hostlimits.TicketState), "k")
	if !ok || a.Estimate != 2 || !l.Current(path) {
		t.Errorf("after the look: %v %+v, the same file %v", ok, a, l.Current(path))
	}
	a.Ticket.Done()
	if r := report(t, keeper); r.Scrubbed == 0 || r.GivenUp != 0 || r.InFlight != 1 {
		t.Errorf("%+v", r.SharedStats)
	}
	if said := reapDamage(t, keeper); said != "" {
		t.Errorf("afterwards the keeper says %q", said)
	}
}

// Counters of a living process that it cannot have counted cost the file, which processes then
// leave without counting in it any more.
func TestImplausibleLedgersCostTheFile(t *testing.T) {
	for name, write := range map[string]func(held, cells []byte){
		"every cell alike": func(_, cells []byte) {
			fill32(cells, func(int) uint32 { return 3 })
		},
		"huge": func(_, cells []byte) { cells[3] = 0xff }, "too many": func(_, cells []byte) {
			fill32(cells, func(i int) uint32 { return uint32(i % 999) })
		},
		"one row": func(_, cells []byte) {
			fill32(cells[:len(cells)/4], func(i int) uint32 { return uint32(i % 9) })
		},
		"counters of no key": func(held, _ []byte) { held[8*5] = 40 },
	} {
		path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 1, ExactKeys: 8})
		l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 3}))
		words := l.Words()[128+256+128+64+1024:]
		write(words[:64], words[128:])
		if said := reapDamage(t, keeper); !strings.Contains(said, "unknown process has written") {
			t.Errorf("%s: the keeper says %q", name, said)
			continue
		}
		if l.Current(path) || !l.GivenUp() {
			t.Errorf("%s: the file is the same, or not marked", name)
		}
		next := must(hostlimits.Join(path, hostlimits.Config{Threshold: 3}))
		if err := next.Follow(l); err != nil || next.SyncFormer() {
			t.Errorf("%s: the damaged file is counted in: %v", name, err)
		}
		if a, ok := next.AdmitString(new(hostlimits.TicketState), "k"); !ok || a.Estimate != 1 {
			t.Errorf("%s: in the new file: %+v", name, a)
		}
		if r := report(t, keeper); r.GivenUp != 1 || r.InFlight != 1 {
			t.Errorf("%s: %+v", name, r.SharedStats)
		}
	}
}

func fill32(b []byte, value func(i int) uint32) {
	for i := range len(b) / 4 {
		binary.LittleEndian.PutUint32(b[4*i:], value(i))
	}
}

// Zeros make open tickets vanish; their releases notice it, and the report has it.
func TestZerosAreTold(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 1, ExactKeys: 8})
	l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 3}))
	held, _ := l.AdmitString(new(hostlimits.TicketState), "k")
	clear(l.Words()[128+256+128+64+1024:])
	held.Ticket.Done()
	l.WriteTallies()
	if r := report(t, keeper); r.Clipped != 1 {
		t.Errorf("%+v", r.SharedStats)
	}
}
