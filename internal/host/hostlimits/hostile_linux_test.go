package hostlimits_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// exercise calls everything on a file whose words may be anything. It may count wrongly; it must
// come to its end.
func exercise(t *testing.T, path string, keeper *hostlimits.Keeper, l *hostlimits.Limiter) {
	t.Helper()
	var states [40]hostlimits.TicketState
	var open []hostlimits.Ticket
	for i := range states {
		a, _ := l.AdmitString(&states[i], fmt.Sprint(i%10))
		open = append(open, a.Ticket)
		l.InFlight([]byte(fmt.Sprint(i)))
	}
	l.Stats()
	l.WriteTallies()
	for _, ticket := range open {
		ticket.Done()
	}
	var damage *hostlimits.DamageError // said and mended
	if _, err := keeper.Reap(); err != nil && !errors.As(err, &damage) {
		t.Error(err)
	}
	if _, err := keeper.Pin([]string{"1", "2"}); err != nil {
		t.Error(err)
	}
	if _, err := keeper.Report(5); err != nil {
		t.Error(err)
	}
	if _, err := hostlimits.ReadReport(path, 5); err != nil {
		t.Error(err)
	}
}

var hostileValues = []uint64{0, 1, 7, 1 << 30, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 62,
	1 << 63, 1<<64 - 1, 1<<64 - 2,
	0xffffffff_00000000, 0x7fffffff_ffffffff, 0x0800000000000001, 0x4800000000000001}

// Every word of the file takes wild values while it is in use. Afterwards keys of which nothing was
// ever counted are admitted.
func TestWildValuesInEveryWord(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 2, ExactKeys: 8,
		Sketch: countmin.Size{Rows: 2, Columns: 4}})
	l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 1000}))
	words, values := l.Words(), hostileValues
	if underRace {
		values = values[:3]
	}
	for at := 0; at+8 <= len(words); at += 8 {
		for _, v := range values {
			before := binary.LittleEndian.Uint64(words[at:])
			binary.LittleEndian.PutUint64(words[at:], v)
			exercise(t, path, keeper, l)
			if t.Failed() {
				t.Fatalf("with %#x at %d", v, at)
			}
			binary.LittleEndian.PutUint64(words[at:], before)
		}
	}
}

// Counters driven to their ends, below zero or to the maximum, refuse no request.
func TestWrappedCountersRefuseNothing(t *testing.T) {
	for _, v := range []byte{0xff, 0x80, 0x7f, 0x40} {
		path, _ := newHost(t, hostlimits.KeeperConfig{Processes: 2, ExactKeys: 8,
			Sketch: countmin.Size{Rows: 2, Columns: 4}})
		l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 5}))
		words := l.Words()
		// less than the held words and the cells together
		counters := words[len(words)-2*4*2*4-64-8*8*2:]
		for i := range counters {
			counters[i] = v
		}
		refused := 0
		for i := range 20 {
			a, ok := l.AdmitString(new(hostlimits.TicketState), fmt.Sprint(i))
			if !ok {
				refused++
			}
			a.Ticket.Done()
		}
		if refused > 0 {
			t.Errorf("filled with %#x: %d of 20 keys are refused", v, refused)
		}
	}
}

// FuzzHostileFile writes words from the input into a file in use: 2 bytes where, 8 bytes what, over
// and over.
func FuzzHostileFile(f *testing.F) {
	seeds := [][]byte{
		binary.LittleEndian.AppendUint64([]byte{0, 0}, 1<<63),
		binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64([]byte{40, 0}, 1<<64-1),
			3), make([]byte, 100)}
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, input []byte) {
		path := filepath.Join(folder, fmt.Sprint(os.Getpid()))
		os.Remove(path)
		keeper := must(hostlimits.OpenKeeper(path,
			hostlimits.KeeperConfig{Processes: 2, ExactKeys: 8,
				Sketch: countmin.Size{Rows: 2, Columns: 4}}))
		defer keeper.Close()
		l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 3}))
		words := l.Words()
		for ; len(input) >= 10; input = input[10:] {
			at := int(binary.LittleEndian.Uint16(input)) % (len(words) / 8) * 8
			copy(words[at:at+8], input[2:10])
			exercise(t, path, keeper, l)
		}
		if other, err := hostlimits.Join(path, hostlimits.Config{}); err == nil {
			other.Abandon()
		}
		l.Abandon()
	})
}

// FuzzHeader opens files that begin with any bytes.
func FuzzHeader(f *testing.F) {
	folder := f.TempDir()
	good := filepath.Join(folder, "good")
	must(hostlimits.OpenKeeper(good, hostlimits.KeeperConfig{Processes: 1, ExactKeys: 8,
		Sketch: countmin.Size{Rows: 1, Columns: 2}})).Close()
	content := must(os.ReadFile(good))
	f.Add(content[:256], uint16(len(content)-256))
	f.Add(content[:100], uint16(0))
	f.Add([]byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, head []byte, more uint16) {
		path := filepath.Join(folder, fmt.Sprint(os.Getpid()))
		if err := os.WriteFile(path, append(head, make([]byte, more)...), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := hostlimits.Join(path, hostlimits.Config{})
		if err != nil {
			return
		}
		a, _ := l.AdmitString(new(hostlimits.TicketState), "k")
		a.Ticket.Done()
		l.Abandon()
	})
}

// Two processes over one file that a third one scribbles on: nothing faults and nothing hangs.
func TestScribblingBesideRequests(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 4, ExactKeys: 8,
		Sketch: countmin.Size{Rows: 2, Columns: 4}})
	l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 3}))
	words, random := l.Words(), rand.New(rand.NewPCG(3, 3))
	rounds := 2000
	if underRace {
		rounds /= 10
	}
	for range rounds {
		at := random.IntN(len(words)/8) * 8
		binary.LittleEndian.PutUint64(words[at:], hostileValues[random.IntN(len(hostileValues))])
		exercise(t, path, keeper, l)
	}
}
