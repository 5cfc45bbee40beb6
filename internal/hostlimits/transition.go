package hostlimits

import (
	"bytes"
	"cmp"
	"slices"
	"sync/atomic"
)

// A policy with another key counts under other names, where nothing of what is in flight has been counted. So for a time
// each new request is counted under its names by the former policy, too, and must find room there. That time ends when
// nothing is open any more that was admitted before: in this process, which an era finds out, and in the others, which
// tell it in the limits file.

const (
	// maxFormers is how many former policies a request is counted under. Of more the oldest are forgotten.
	maxFormers = 3

	// transitionLooks is for how many looks a transition lasts at least. By then the other processes, which look as often,
	// have the policy, too, and have told what they have open from before.
	transitionLooks = 5
)

// Transition is the time after the key of a policy was changed, while requests from before may be open. A nil one is
// none. Its methods for the request path are Begin and [Former.End].
type Transition struct {
	formers []former // the newest first; no two make keys of the same parts, and none makes the present policy's
	eras    []*era   // of the limiters that may hold something from before the last change
	looks   int
}

// former is a policy that held before.
type former struct {
	policy *Policy
	hosts  bool // it bounds hosts within their origins, too
}

// Next returns the transition that the change from one policy to another begins or goes on with; t is the one that is
// under way. where are the limiters that this process has admitted requests through, the one in use first. The policies
// must not be changed any more. A policy without any threshold is not kept.
func (t *Transition) Next(from, to *Policy, where ...*Limiter) *Transition {
	if slices.Equal(from.parts(), to.parts()) {
		return t
	}
	next := new(Transition)
	next.keep(from)
	if t != nil {
		for _, f := range t.formers {
			// What has been admitted during t is counted under the keys of each of its policies. So where one of them comes back,
			// its counts are whole.
			if !slices.Equal(f.policy.parts(), to.parts()) {
				next.keep(f.policy)
			}
		}
	}
	if len(next.formers) == 0 {
		return nil
	}
	for _, l := range where {
		if next.eraOf(l) == nil {
			next.eras = append(next.eras, &era{of: l})
		}
	}
	where[0].tellEarlier(1) // the first look finds out
	return next
}

func (t *Transition) keep(p *Policy) {
	if len(t.formers) < maxFormers && (p.Threshold != 0 || len(p.Overrides) > 0) {
		t.formers = append(t.formers, former{p, p.BoundsHosts()})
	}
}

// eraOf returns the era of l, or nil: nothing in l is from before.
func (t *Transition) eraOf(l *Limiter) *era {
	for _, e := range t.eras {
		if e.of == l {
			return e
		}
	}
	return nil
}

// Over looks whether the transition has ended, and tells the other processes what this one has open from before. l is the
// limiter in use. To be called about once a second, whether there is a transition or not.
func (t *Transition) SyncOver(l *Limiter) bool {
	if t == nil {
		l.tellEarlier(0)
		return true
	}
	var open uint64
	for _, e := range t.eras {
		open += e.earlier()
	}
	l.tellEarlier(open)
	t.looks++
	return open == 0 && t.looks >= transitionLooks && !l.othersEarlier()
}

// tellEarlier writes into the file how many requests of this process are open from before its last change of the key.
func (l *Limiter) tellEarlier(n uint64) {
	l.boards(func(b *board, own uint) { b.earlier(own).Store(n) })
}

// othersEarlier reports whether another process has told that it has some. A ledger of a dead process is freed by who
// reaps.
func (l *Limiter) othersEarlier() (some bool) {
	l.boards(func(b *board, own uint) {
		for k := range b.processes {
			some = some || k != own && b.taken(k).Load() != 0 && b.earlier(k).Load() != 0
		}
	})
	return some
}

// boards calls f for the file that l counts in and for the one that it still counts in besides, with its first ledger
// there.
func (l *Limiter) boards(f func(b *board, own uint)) {
	if l.shared == nil {
		return
	}
	l.guard(func() { f(l.shared.board, l.ledgers.own) })
	if moving := l.former.Load(); moving != nil {
		m := moving.former
		m.guard(func() { f(m.shared.board, m.shared.origin.ledgers.own) })
	}
}

// Subject is what the keys of a request are made of, by whatever policy, and those by the present one.
type Subject struct {
	Tenant, Origin, Host string

	Key     []byte // that it is counted under by the present policy
	HostKey []byte // the second argument of AdmitWithin; nil: there is none
}

// Former is what one request holds under the keys of former policies, between Begin and End.
type Former struct {
	limiter *Limiter
	era     *era
	parts   *part
}

// Begin counts a request under its keys by the former policies, with their thresholds, of which 0 and Unlimited count
// nothing. Where ok, the request is then to be admitted by the present policy, and f.End called with what came of it. A
// refusal is in a, and needs nothing more. A key that is the same by the present policy is counted there alone.
func (t *Transition) Begin(l *Limiter, s *Subject) (f Former, a Admission, ok bool) {
	f.limiter, f.era = l, t.eraOf(l)
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
				if names.add(host) && !s.has(l, host) && !f.enter(&a, host, inner) {
					return f, a, false
				}
			}
		}
		if fresh && !f.enter(&a, name, n) {
			return f, a, false
		}
	}
	return f, Admission{}, true
}

func (f *former) threshold(name []byte) (n uint32, own bool) {
	if n, own = f.policy.Overrides[string(name)]; own {
		return n, true
	}
	return cmp.Or(f.policy.Threshold, Unlimited), false
}

// enter takes a part for one name. Where there is no room it gives up all that f has.
func (f *Former) enter(a *Admission, name []byte, threshold uint32) bool {
	if threshold == 0 || threshold == Unlimited {
		return true
	}
	p := unusedParts.Get().(*part)
	*a = Admission{Threshold: threshold}
	if !f.limiter.admitTo(a, &p.state, f.limiter.ledgers.keyOf(name), nil) {
		unusedParts.Put(p)
		f.parts.end()
		return false
	}
	p.begin(a.Ticket, &f.limiter.parts)
	p.count(f.era, f.limiter, a.Ticket)
	p.next, f.parts = f.parts, p
	return true
}

// has reports whether the request is counted under a name by the present policy.
func (s *Subject) has(l *Limiter, name []byte) bool {
	if bytes.Equal(name, s.Key) {
		return true
	}
	if s.HostKey == nil || !bytes.Equal(name, s.HostKey) {
		return false
	}
	_, own := l.thresholds.own(l.ledgers.keyOf(name))
	return own
}

// names are those of one request by former policies. They are kept by their lengths, since slices of it would not stay on
// the stack.
type names struct {
	text    [2 * maxFormers][MaxKey]byte
	lengths [2 * maxFormers]int
	n       int
}

// next is the memory of the next name.
func (s *names) next() []byte { return s.text[s.n][:0] }

// add keeps a name that was written there, and reports whether it is a new one.
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

// End makes the ticket of an admission stand for what f holds. Where it is the zero Ticket f gives that up.
func (f *Former) End(a *Admission) {
	if !a.Ticket.Valid() {
		f.parts.end()
		return
	}
	if f.era != nil { // a part without a ticket: it is there for the first ticket's group
		p := unusedParts.Get().(*part)
		p.count(f.era, f.limiter, a.Ticket)
		p.next, f.parts = f.parts, p
	}
	a.Ticket.add(f)
}

// add makes t stand for what f holds, too.
func (t *Ticket) add(f *Former) {
	switch {
	case t.place&hasPart != 0:
		outer := t.state.part.Load()
		outer.count(f.era, f.limiter, outer.ticket)
		outer.next = f.parts
	case f.parts != nil:
		t.state.part.Store(f.parts)
		t.place |= hasPart
	}
}

// An era counts what one limiter has admitted since a change of the key, to tell how much of what is open is older. What
// was admitted before is counted nowhere apart: nothing but a transition pays for this.
//
// The counters that the limiter has are divided into groups, and each group has its own count here. A ticket is counted
// here after it is in the limiter's counter, and counted out before it leaves that. So at no instant has the era more in a
// group than the limiter, and what the limiter has more is older.
type era struct {
	of     *Limiter
	groups [eraGroups]struct{ admitted, ended atomic.Uint64 }
}

const (
	eraGroups = 1024
	eraLooks  = 100 // at one group, of which requests may come and go under the look
)

// count counts a valid ticket that l has just admitted, until p ends.
func (p *part) count(e *era, l *Limiter, t Ticket) {
	if e != nil && t.Valid() {
		p.era, p.group = e, l.ledgers.group(t)
		e.groups[p.group].admitted.Add(1)
	}
}

// leaveEra counts out what p counted. It is apart, since most parts have none.
func (p *part) leaveEra() {
	p.era.groups[p.group].ended.Add(1)
	p.era = nil
}

// earlier returns how many tickets are open that are older than the era. It is never too low; where a group does not keep
// still for an instant it is too high.
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
	for range eraLooks {
		admitted, ended := g.admitted.Load(), g.ended.Load()
		held := e.of.ledgers.heldInGroup(group)
		if g.admitted.Load() == admitted && g.ended.Load() == ended {
			return held - min(held, admitted-ended)
		}
	}
	return 1
}

// group is the group of the counter that has a ticket: its slot, or its cell in the first row of the sketch.
func (l *ledgers) group(t Ticket) uint {
	if where := t.place &^ hasPart; where != 0 {
		return uint(where-1) % eraGroups
	}
	return uint(l.Cell(t.hash, 0)) % eraGroups
}

// heldInGroup is what this process has in flight in the counters of a group.
func (l *ledgers) heldInGroup(group uint) (sum uint64) {
	for slot := group; slot < uint(l.slots()); slot += eraGroups {
		sum += heldWord(atomic.LoadUint64(l.heldBy(slot, l.own))).inFlight()
	}
	for cell := group; cell < 1<<l.Width; cell += eraGroups {
		sum += plausible(atomic.LoadUint32(&l.cells[cell*l.processes+l.own]))
	}
	return sum
}
