package proxyhook_test

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/dgryski/go-metro"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// What an attacker computed when keys were hashed with MetroHash64 under the seed 0, which
// everybody knows: hosts whose keys, with an origin of his own, share the hash of another tenant's
// key, or one column of the sketch with it.

const (
	victimOrigin   = "10.0.0.1:80"
	victimHost     = "shop.example"
	attackerOrigin = "10.0.0.2:80"
)

func metroHash(origin, host string) uint64 { return metro.Hash64Str(origin+" "+host, 0) }

// metroState is the state of MetroHash64 under seed 0 after a text whose length is a multiple of 16
// bytes.
func metroState(text []byte) uint64 {
	const k0, k1, k2, k3 = 0xD6D018F5, 0xA2AA033B, 0x62992FC1, 0x30BC5B29
	at := binary.LittleEndian.Uint64
	hash := uint64(k2)
	hash *= k0
	if len(text) >= 32 {
		v0, v1, v2, v3 := hash, hash, hash, hash
		for ; len(text) >= 32; text = text[32:] {
			v0 = bits.RotateLeft64(v0+at(text)*k0, -29) + v2
			v1 = bits.RotateLeft64(v1+at(text[8:])*k1, -29) + v3
			v2 = bits.RotateLeft64(v2+at(text[16:])*k2, -29) + v0
			v3 = bits.RotateLeft64(v3+at(text[24:])*k3, -29) + v1
		}
		v2 ^= bits.RotateLeft64((v0+v3)*k0+v1, -37) * k1
		v3 ^= bits.RotateLeft64((v1+v2)*k1+v0, -37) * k0
		v0 ^= bits.RotateLeft64((v0+v2)*k0+v3, -37) * k1
		v1 ^= bits.RotateLeft64((v1+v3)*k1+v2, -37) * k0
		hash += v0 ^ v1
	}
	if len(text) >= 16 {
		v0 := bits.RotateLeft64(hash+at(text)*k2, -29) * k3
		v1 := bits.RotateLeft64(hash+at(text[8:])*k2, -29) * k3
		v0 ^= bits.RotateLeft64(v0*k0, -21) + v1
		v1 ^= bits.RotateLeft64(v1*k3, -21) + v0
		hash += v1
	}
	return hash
}

// hostWithHash inverts the tail of MetroHash64: of a key whose last 8 bytes are a block of their
// own, these can be chosen such that the hash is that of another such key. It tries prefixes until
// the 8 bytes are some that a host can have.
func hostWithHash(t *testing.T, origin string, victim []byte) string {
	t.Helper()
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	var inHost [256]bool
	for _, c := range []byte(letters) {
		inHost[c] = true
	}
	inverse := uint64(1) // of k3, modulo 2^64
	for range 6 {
		inverse *= 2 - 0x30BC5B29*inverse
	}
	end := len(victim) - 8
	wanted := metroState(victim[:end]) + binary.LittleEndian.Uint64(victim[end:])*0x30BC5B29
	key := append([]byte(origin+" "), make([]byte, 32-len(origin)-1+8)...)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000_000 {
		x := random.Uint64()
		for i := len(origin) + 1; i < len(origin)+9; i++ {
			key[i], x = letters[x%uint64(len(letters))], x/uint64(len(letters))
		}
		for i := len(origin) + 9; i < 32; i++ {
			key[i] = 'x'
		}
		tail := (wanted - metroState(key[:32])) * inverse
		if inHost[byte(tail)] && inHost[byte(tail>>8)] && inHost[byte(tail>>16)] && inHost[byte(tail>>24)] &&
			inHost[byte(tail>>32)] && inHost[byte(tail>>40)] && inHost[byte(tail>>48)] && inHost[byte(tail>>56)] {
			binary.LittleEndian.PutUint64(key[32:], tail)
			return string(key[len(origin)+1:])
		}
	}
	t.Fatal("no host found")
	return ""
}

// hostWhere finds a made-up host whose key under seed 0 has what is asked for.
func hostWhere(random *rand.Rand, wanted func(hash uint64) bool) string {
	for {
		host := string(strconv36(random.Uint64())) + ".example"
		if wanted(metroHash(attackerOrigin, host)) {
			return host
		}
	}
}

func strconv36(n uint64) (b []byte) {
	for range 12 {
		b, n = append(b, "abcdefghijklmnopqrstuvwxyz0123456789"[n%36]), n/36
	}
	return b
}

// hold keeps n requests in flight.
func hold(t *testing.T, f *proxyhook.Filter, origin, host string, n int) {
	t.Helper()
	for range n {
		a, ok := f.Admit(&traffic.Event{Host: host}, origin, new(limits.TicketState))
		if !ok {
			t.Fatalf("%s at %s: %+v", host, origin, a)
		}
		t.Cleanup(func() { a.Ticket.Done() })
	}
}

// askVictim makes requests of the victim one after the other, and returns how many were refused.
func askVictim(f *proxyhook.Filter, n int) (refused int) {
	for range n {
		a, ok := f.Admit(&traffic.Event{Host: victimHost}, victimOrigin, new(limits.TicketState))
		if !ok {
			refused++
		}
		a.Ticket.Done()
	}
	return refused
}

// twoProxies are two filters that count together, with limits for each origin and host.
func twoProxies(t *testing.T, threshold uint32) (attacked, other *proxyhook.Filter) {
	unsupervised(t)
	h := newHost(t)
	h.keeper()
	config := proxyhook.Config{LimitKey: []string{"origin", "host"}, Limits: limits.LimiterConfig{Threshold: threshold}}
	attacked, other = h.filter(config), h.filter(config)
	if !attacked.Stats().Shared || !other.Stats().Shared {
		t.Fatal("the filters do not count together")
	}
	return attacked, other
}

// Requests held at the attacker's own origin, under a host made to have the hash of the victim's
// key, cost the victim nothing.
func TestConstructedHashRefusesNobodyElse(t *testing.T) {
	attacked, other := twoProxies(t, 20)
	host := hostWithHash(t, attackerOrigin, []byte(victimOrigin+" "+victimHost))
	if metroHash(attackerOrigin, host) != metroHash(victimOrigin, victimHost) {
		t.Fatalf("%q was constructed wrongly", host)
	}
	hold(t, other, attackerOrigin, host, 20)
	if n := askVictim(attacked, 50); n != 0 {
		t.Errorf("%d of 50 requests of the victim are refused for what the attacker holds", n)
	}
	if a, ok := other.Admit(&traffic.Event{Host: host}, attackerOrigin, new(limits.TicketState)); ok || a.Estimate != 20 {
		t.Errorf("the attacker's own threshold does not hold: %+v", a)
	}
}

// Eight names made to be in the set of the victim's key, and four made to share one column of the
// sketch each, cost the victim nothing either.
func TestConstructedColumnsRefuseNobodyElse(t *testing.T) {
	attacked, other := twoProxies(t, 100)
	victim := metroHash(victimOrigin, victimHost)
	random := rand.New(rand.NewPCG(3, 4))
	const sets = hostlimits.DefaultSharedKeys / 8
	set := func(hash uint64) uint64 { return hash >> 32 * sets >> 32 }
	for range 8 {
		hold(t, other, attackerOrigin, hostWhere(random, func(h uint64) bool { return set(h) == set(victim) }), 1)
	}
	for row := range 4 {
		column := func(hash uint64) uint64 { return hash >> (13 * row) % countmin.DefaultColumns }
		hold(t, other, attackerOrigin, hostWhere(random, func(h uint64) bool {
			return set(h) == set(victim) && column(h) == column(victim)
		}), 100)
	}
	if n := askVictim(attacked, 50); n != 0 {
		t.Errorf("%d of 50 requests of the victim are refused for the 408 that the attacker holds", n)
	}
}

// Two tenants whose names collide under a quarter of all seeds of MetroHash64 share no tickets, in
// any installation.
func TestPairThatCollidesUnderRandomSeedsSharesNothing(t *testing.T) {
	a := []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	b := bytes.Clone(a)
	inverse := uint64(1)
	for range 6 {
		inverse *= 2 - 0x30BC5B29*inverse
	}
	for at, n := range map[int]uint64{24: 1 << 63, 40: 1 << 63, 56: 1 << 34 * inverse} {
		binary.LittleEndian.PutUint64(b[at:], binary.LittleEndian.Uint64(b[at:])+n)
	}
	collisions := 0
	for range 1000 {
		if seed := rand.Uint64(); metro.Hash64(a, seed) == metro.Hash64(b, seed) {
			collisions++
		}
	}
	if collisions < 100 {
		t.Errorf("%d collisions under 1000 seeds: the pair was constructed wrongly", collisions)
	}
	unsupervised(t)
	for range 20 {
		h := newHost(t)
		h.keeper()
		config := proxyhook.Config{LimitKey: []string{"tenant"}, Limits: limits.LimiterConfig{Threshold: 1},
			Tenant: func(ev *traffic.Event) string {
				if ev.Host == "a" {
					return string(a)
				}
				return string(b)
			}}
		hold(t, h.filter(config), "", "a", 1)
		hold(t, h.filter(config), "", "b", 1)
	}
}
