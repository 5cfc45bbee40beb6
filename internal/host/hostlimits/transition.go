package hostlimits

import (
	"bytes"
	"cmp"
	"slices"
	"sync/atomic"
)

// A policy with another key counts under other names, under which nothing of what is in flight has
// been counted. So for a time each new request also counts under its names by the previous policy,
// and must find room there. That time ends when all requests have ended that were admitted before:
// in this process, which an era finds out, and in the others, which write their number into the
// limits file.

const (
	// maxFormers is the most former policies that a request counts under. Older ones are dropped.
	maxFormers = 3

	// minSyncs is the least number of calls of Sync that a transition lasts. By then the other
	// processes, which call it as often, also have the policy, and have written what they have open
	// from before.
	minSyncs = 5
)

// Transition is the time after the key of a policy was changed, while requests from before may be
// open. A nil Transition means that there is none. Its methods for the request path are Begin and
// [Former.End].
type Transition struct {
	// the newest first; all make keys of different parts, which the present policy's are not
	formers []former
	eras    []*era // of the limiters that may have open tickets from before the last change
	syncs   int
}

// former is a policy that held before.
type former struct {
	policy *Policy
	hosts  bool // it also bounds hosts within their origins
}

// Next returns the transition after a change from one policy to another; t is the previous one.
// limiters are those that this process has admitted requests through, the one in use first. The
// policies must not be changed any more. A policy without any threshold is not kept.
func (t *Transition) Next(from, to *Policy, limiters ...*Limiter) *Transition {
	if slices.Equal(from.parts(), to.parts()) {
		return t
	}
	next := new(Transition)
	next.keep(from)
	if t != nil {
		for _, f := range t.formers {
			// What was admitted during t is counted under the keys of each of its policies. So if
			// one of them comes back, its counts are whole.
			if !slices.Equal(f.policy.parts(), to.parts()) {
				next.keep(f.policy)
			}
		}
	}
	if len(next.formers) == 0 {
		return nil
	}
	for _, l := range limiters {
		if next.findEra(l) == nil {
			next.eras = append(next.eras, &era{of: l})
		}
	}
	limiters[0].writeEarlier(1) // until the first Sync
	return next
}

func (t *Transition) keep(p *Policy) {
	if len(t.formers) < maxFormers && (p.Threshold != 0 || len(p.Overrides) > 0) {
		t.formers = append(t.formers, former{p, p.BoundsHosts()})
	}
}

// findEra returns the era of l, or nil if nothing in l is from before.
func (t *Transition) findEra(l *Limiter) *era {
	for _, e := range t.eras {
		if e.of == l {
			return e
		}
	}
	return nil
}

// Sync reports whether the transition has ended, and writes what this process has open from before
// for the other processes. l is the limiter in use. It is to be called about once a second, whether
// there is a transition or not.
func (t *Transition) Sync(l *Limiter) bool {
	if t == nil {
		l.writeEarlier(0)
		return true
	}
	var open uint64
	for _, e := range t.eras {
		open += e.earlier()
	}
	l.writeEarlier(open)
	t.syncs++
	return open == 0 && t.syncs >= minSyncs && !l.othersEarlier()
}

// writeEarlier writes into the file how many requests of this process are open from before its last
// change of the key.
func (l *Limiter) writeEarlier(n uint64) {
	l.boards(func(b *board, seat uint) { b.earlierWord(seat).Store(n) })
}

// othersEarlier reports whether another process has written that it has some. The seat of a dead
// process is freed by the reaper.
func (l *Limiter) othersEarlier() (some bool) {
	l.boards(func(b *board, seat uint) {
		for k := range b.seats {
			some = some || k != seat && b.seatWord(k).Load() != 0 && b.earlierWord(k).Load() != 0
		}
	})
	return some
}

// boards calls f for the file that l counts in and, if there is one, for the previous file that it
// still counts in, with its first seat there.
func (l *Limiter) boards(f func(b *board, seat uint)) {
	if l.shared == nil {
		return
	}
	l.guard(func() { f(l.shared.board, l.ledgers.seat) })
	if moving := l.former.Load(); moving != nil {
		m := moving.former
		m.guard(func() { f(m.shared.board, m.shared.parent.ledgers.seat) })
	}
}

// Subject is what the keys of a request are made of, and its keys by the present policy.
type Subject struct {
	Tenant, Origin, Host string

	Key     []byte // by the present policy
	HostKey []byte // the key within Key, see AdmitWithin; nil if there is none
}

// Former is what one request holds under the keys of former policies, between Begin and End.
type Former struct {
	limiter *Limiter
	era     *era
	parts   *part
}

// Begin counts a request under its keys by the previous policies, with their thresholds; 0 and
// Unlimited count nothing. If ok, the caller then admits the request by the present policy, and
// calls f.End with the admission. If not, r is the refusal, and End is not called. A key that is
// the same by the present policy counts there alone.
func (t *Transition) Begin(l *Limiter, s *Subject) (f Former, r Result, ok bool) {
	f.limiter, f.era = l, t.findEra(l)
	var names names
	for i := range t.formers {
		former := &t.formers[i]
		name := former.policy.AppendKey(names.next(), s.Tenant, s.Origin, s.Host)
		n, own := former.threshold(name)
		fresh := names.add(name) && !s.has(l, name)
		if former.hosts {
			host := AppendHostKey(names.next(), s.Origin, s.Host)
			if inner, bounded := former.policy.Overrides[string(host)]; bounded {
				if !own {
					n = max(n, inner)
				}
				if names.add(host) && !s.has(l, host) && !f.enter(&r, host, inner) {
					return f, r, false
				}
			}
		}
		if fresh && !f.enter(&r, name, n) {
			return f, r, false
		}
	}
	return f, Result{}, true
}

func (f *former) threshold(name []byte) (n uint32, own bool) {
	if n, own = f.policy.Overrides[string(name)]; own {
		return n, true
	}
	return cmp.Or(f.policy.Threshold, Unlimited), false
}

// enter takes a part for one name. If there is no room, it releases all that f has.
func (f *Former) enter(r *Result, name []byte, threshold uint32) bool {
	if threshold == 0 || threshold == Unlimited {
		return true
	}
	p := unusedParts.Get().(*part)
	var ticket Ticket
	*r = Result{Threshold: threshold}
	if !f.limiter.admitTo(&ticket, r, &p.state, f.limiter.ledgers.key(name), nil) {
		unusedParts.Put(p)
		f.parts.end()
		return false
	}
	p.begin(ticket, &f.limiter.parts)
	p.count(f.era, f.limiter, ticket)
	p.next, f.parts = f.parts, p
	return true
}

// has reports whether the request counts under a name by the present policy.
func (s *Subject) has(l *Limiter, name []byte) bool {
	if bytes.Equal(name, s.Key) {
		return true
	}
	if s.HostKey == nil || !bytes.Equal(name, s.HostKey) {
		return false
	}
	_, own := l.thresholds.own(l.ledgers.key(name))
	return own
}

// names are those of one request by former policies. Their lengths are kept instead of slices,
// which would not stay on the stack.
type names struct {
	text    [2 * maxFormers][MaxKey]byte
	lengths [2 * maxFormers]int
	n       int
}

// next returns the memory of the next name.
func (s *names) next() []byte { return s.text[s.n][:0] }

// add keeps a name that was written there, and reports whether it is new.
func (s *names) add(name []byte) bool {
	for i := range s.n {
		if bytes.Equal(name, s.text[i][:s.lengths[i]]) {
			return false
		}
	}
	s.lengths[s.n] = len(name)
	s.n++
	return true
}

// End attaches what f holds to the ticket of an admission. If that is the zero Ticket, End releases
// what f holds.
func (f *Former) End(t *Ticket) {
	if !t.Valid() {
		f.parts.end()
		return
	}
	if f.era != nil { // a part without a ticket, for the group of the first ticket
		p := unusedParts.Get().(*part)
		p.count(f.era, f.limiter, *t)
		p.next, f.parts = f.parts, p
	}
	t.add(f)
}

// add attaches what f holds to t.
func (t *Ticket) add(f *Former) {
	switch {
	case t.where&hasPart != 0:
		outer := t.state.part.Load()
		outer.count(f.era, f.limiter, outer.ticket)
		outer.next = f.parts
	case f.parts != nil:
		t.state.part.Store(f.parts)
		t.where |= hasPart
	}
}

// An era counts what one limiter has admitted since a change of the key, to compute how many of the
// open tickets are older. Older tickets are not counted separately: only a transition pays for
// this.
//
// The counters of the limiter are divided into groups, and each group has its own count here. A
// ticket counts here after it counts in the limiter, and stops counting here before it is released
// there. So the era never has more in a group than the limiter, and what the limiter has more is
// older.
type era struct {
	of     *Limiter
	groups [eraGroups]struct{ admitted, ended atomic.Uint64 }
}

const (
	eraGroups = 1024
	eraReads  = 100 // of one group, while requests come and go
)

// count counts a valid ticket that l has just admitted, until p ends.
func (p *part) count(e *era, l *Limiter, t Ticket) {
	if e != nil && t.Valid() {
		p.era, p.group = e, l.ledgers.group(t)
		e.groups[p.group].admitted.Add(1)
	}
}

// leaveEra ends what count began. It is a function of its own since most parts have no era.
func (p *part) leaveEra() {
	p.era.groups[p.group].ended.Add(1)
	p.era = nil
}

// earlier returns how many open tickets are older than the era. It is never too low; it is too high
// if a group changes all the time.
func (e *era) earlier() (n uint64) {
	if e.of.GivenUp() {
		return 0
	}
	e.of.guard(func() {
		for group := range uint(eraGroups) {
			n += e.earlierIn(group)
		}
	})
	return n
}

func (e *era) earlierIn(group uint) uint64 {
	g := &e.groups[group]
	for range eraReads {
		admitted, ended := g.admitted.Load(), g.ended.Load()
		held := e.of.ledgers.heldInGroup(group)
		if g.admitted.Load() == admitted && g.ended.Load() == ended {
			return held - min(held, admitted-ended)
		}
	}
	return 1
}

// group returns the group of a ticket: that of its exact counter, or of its cell in the first row
// of the sketch.
func (l *ledgers) group(t Ticket) uint {
	if where := t.where &^ hasPart; where != 0 {
		return uint(where-1) % eraGroups
	}
	return uint(l.Cell(t.hash, 0)) % eraGroups
}

// heldInGroup returns what this process has in flight in the counters of a group.
func (l *ledgers) heldInGroup(group uint) (sum uint64) {
	for counter := group; counter < uint(l.counters()); counter += eraGroups {
		sum += heldWord(atomic.LoadUint64(l.heldBy(counter, l.seat))).inFlight()
	}
	for cell := group; cell < 1<<l.Width; cell += eraGroups {
		sum += plausible(atomic.LoadUint32(&l.cells[cell*l.seats+l.seat]))
	}
	return sum
}
