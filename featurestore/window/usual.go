package window

import (
	"fmt"
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// usuals are what is usual among the clients of a key: means over many minutes, so that a flood of
// any number of clients counts as the minutes that it lasts, and within a minute by client, so that
// nobody outweighs the others for long.
//
//	word 0     number of the current minute (its low bits)
//	words 1-4  32 counts of 4 bits, by client: its events of this minute, up to usualEvents
//
// and for each share:
//
//	words 0-1  of the current minute, of the events that count: sum of the measure, sum of what it is a share of
//	words 2-3  of the minutes before: decayed sum of their shares, each times its weight, and of the weights
//
// The weight of a minute is n/(n+usualHalf), where n is what the measure is a share of.
type usuals struct {
	window  float64 // minutes
	name    string  // of the window
	clients traffic.Object
	at      int // -1: none
	shares  []usualShare
}

type usualShare struct {
	measure, per traffic.Measure
	at           int
}

const (
	usualWords  = 5
	shareWords  = 4
	usualEvents = 15 // of a client count in a minute
	usualHalf   = 8
	usualLeast  = 2 // sum of weights from which on a share is known
)

// needUsual notes a Usual.
func (p *plan) needUsual(f traffic.Fold, d traffic.Dimension) error {
	u := &p.usuals
	if u.name != "" && u.name != f.Window.String() {
		return fmt.Errorf("windows of %v and %v of what is usual in one dimension", u.name,
			f.Window)
	}
	u.window, u.name, u.clients = f.Window.Minutes(), f.Window.String(), clientObject(d)
	if u.find(f) == nil {
		u.shares = append(u.shares, usualShare{measure: f.Measure, per: f.Per})
	}
	return nil
}

// clientObject is what counts as one client among those of a key: a network, or in a network an
// address.
func clientObject(d traffic.Dimension) traffic.Object {
	if d == traffic.DimNet || d == traffic.DimNet64 {
		return traffic.ObjectAddresses
	}
	return traffic.ObjectNetworks
}

func (u *usuals) find(f traffic.Fold) *usualShare {
	for i := range u.shares {
		if s := &u.shares[i]; s.measure == f.Measure && s.per == f.Per {
			return s
		}
	}
	return nil
}

func (p *plan) layOutUsuals() {
	u := &p.usuals
	if u.at = -1; len(u.shares) == 0 {
		return
	}
	u.at = p.take(usualWords)
	for i := range u.shares {
		u.shares[i].at = p.take(shareWords)
	}
}

// fold counts an event in its minute, unless its client has had as many as count.
func (u *usuals) fold(cell []uint32, e *effect) {
	if u.at < 0 {
		return
	}
	head := cell[u.at : u.at+usualWords]
	if minute := uint32(e.minute.number); head[0] != minute {
		u.close(cell, minute-head[0])
		head[0] = minute
		clear(head[1:])
	}
	place := clientIndex(e.objects[u.clients])
	word, shift := &head[1+place/8], 4*(place%8)
	if *word>>shift&0xf >= usualEvents {
		return
	}
	*word += 1 << shift
	for i := range u.shares {
		s := &u.shares[i]
		words := cell[s.at : s.at+shareWords]
		words[0] = math.Float32bits(float(words[0]) + e.observation.Measures[s.measure])
		words[1] = math.Float32bits(float(words[1]) + e.observation.Measures[s.per])
	}
}

// clientIndex returns the count of a client, by its spread hash; clients that share one count as
// one.
func clientIndex(client uint64) uint64 { return client >> 59 }

// close adds the current minute to those before and lets them fade over the minutes that have
// passed since.
func (u *usuals) close(cell []uint32, minutes uint32) {
	fade := math.Exp(-float64(minutes) / u.window)
	for _, s := range u.shares {
		words := cell[s.at : s.at+shareWords]
		sum, n := float64(float(words[0])), float64(float(words[1]))
		shares, weights := float64(float(words[2])), float64(float(words[3]))
		if n > 0 {
			weight := n / (n + usualHalf)
			shares, weights = shares+float64(weight*(sum/n)), weights+weight
		}
		if shares, weights = shares*fade, weights*fade; weights < faint {
			shares, weights = 0, 0
		}
		words[0], words[1] = 0, 0
		words[2], words[3] = math.Float32bits(float32(shares)), math.Float32bits(float32(weights))
	}
}

// usual is the share in the minutes before the current one; NaN where they are too few.
func usual(cell []uint32, at int) float32 {
	shares, weights := float(cell[at+2]), float(cell[at+3])
	if !(weights >= usualLeast) {
		return nan
	}
	return shares / weights
}

func (u *usuals) states() (all []state) {
	if u.at < 0 {
		return nil
	}
	all = append(all, state{name: "usual " + u.name, runs: []run{{u.at, usualWords}}})
	for _, s := range u.shares {
		all = append(all, state{name: fmt.Sprintf("usual %v %v %v", s.measure, s.per, u.name),
			runs: []run{{s.at, shareWords}}})
	}
	return all
}
