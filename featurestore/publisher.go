package featurestore

import (
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/headgate/headgate/mmapsync"
)

// PublisherConfig configures a [Publisher]. Its zero value is valid.
type PublisherConfig struct {
	// Capacity is the number of keys that each dimension has room for, in the schema's order. A
	// single number applies to all dimensions; an empty slice means DefaultCapacity for all. A full
	// dimension evicts.
	Capacity []int

	// Seed is the seed of the keys' hash, for callers whose rows have keys already. An existing
	// table with another seed is not continued. 0 means the seed of the existing table, or a random
	// one.
	Seed uint64

	Writer mmapsync.WriterOptions
}

// DefaultCapacity is the number of keys of a dimension if PublisherConfig.Capacity is empty.
const DefaultCapacity = 1 << 17

// ErrRebuild reports that the publisher no longer knows the table's content: call Reset and put
// every row again. Readers keep the last publication until then.
var ErrRebuild = errors.New("featurestore: publish: too much changed or the published table is gone (reset it and put every row again)")

// Publisher keeps a table of one schema published under a path, for any number of readers in other
// processes. It is for one goroutine. A path has one publisher: opening a second one returns
// mmapsync.ErrLocked.
//
// A publication costs as much as has changed since the last but one: the changes of two
// publications are replayed into the copy that no reader uses. A copy contains all of the table's
// state, so that the next publisher of the path can continue it.
type Publisher struct {
	plan        plan
	writer      *mmapsync.Writer
	editor      editor
	forwardCopy func(*mmapsync.Copy) error // p.forward, bound once

	now        int64
	pending    *changes // since the last publication
	previous   *changes // of the last publication, if it has a number
	incomplete bool     // whether changes were dropped
	stats      PublisherStats
}

// PublisherStats holds the counts of a Publisher.
type PublisherStats struct {
	Adopted      bool   // whether the table of an earlier publisher was sound and is continued
	Publications uint64 // since the publisher was opened
	Rebuilt      uint64 // publications that began with an empty table
	Copied       uint64 // publications that began with a copy of the last one
	Changes      uint64 // rows put and deleted, published
	Bytes        int    // of one copy; there are two
	Dimensions   []DimensionStats
	Files        mmapsync.Stats
}

// DimensionStats holds the counts of one dimension as of the last publication.
type DimensionStats struct {
	Keys, Capacity int
	Evicted        uint64 // rows evicted because the dimension was full, since the table was built
	Crowded        uint64 // rows evicted because the two buckets of a key were full
}

// OpenPublisher takes over path, or makes its files. It checks the table that an earlier publisher
// left there, row by row, and continues it if it is sound and has the same schema and capacities.
// Otherwise the first publication replaces it with a table of the rows put until then. The seed of
// the keys' hash is kept, so that readers' keys stay right; without a table it is random.
// OpenPublisher needs no reader slot, so readers cannot prevent a publisher from starting.
func OpenPublisher(path string, schema Schema, config PublisherConfig) (*Publisher, error) {
	plan, err := newPlan(schema, 0)
	if err != nil {
		return nil, err
	}
	if err := plan.setCapacity(capacityFor(schema, config.Capacity)); err != nil {
		return nil, err
	}
	w, err := mmapsync.OpenWriter(path, config.Writer)
	if err != nil {
		return nil, err
	}
	p := &Publisher{plan: plan, writer: w, pending: new(changes), previous: new(changes)}
	p.forwardCopy = p.forward
	p.stats.Bytes = plan.size
	// The writer's lock comes first: it keeps others from changing what is published.
	if err := p.adopt(); err != nil {
		w.Close()
		return nil, err
	}
	if seed := config.Seed; seed != 0 && seed != p.plan.seed {
		p.plan.seed, p.stats.Adopted = seed, false
	}
	p.pending.startsEmpty = !p.stats.Adopted
	return p, nil
}

func capacityFor(schema Schema, configured []int) []int {
	if len(configured) > 1 || len(schema.Dimensions) == len(configured) {
		return configured
	}
	capacity := make([]int, len(schema.Dimensions))
	for i := range capacity {
		capacity[i] = DefaultCapacity
		if len(configured) == 1 {
			capacity[i] = configured[0]
		}
	}
	return capacity
}

// adopt reads the published table and its seed. An error of the system is returned rather than
// answered with a new seed, which would orphan everything stored by key.
func (p *Publisher) adopt() error {
	err := p.writer.View(func(content []byte) error {
		t, err := OpenTable(content)
		if err != nil {
			return err
		}
		p.plan.seed = t.Seed
		p.stats.Adopted = p.plan.fits(t.image) && t.Verify() == nil
		return nil
	})
	var damaged *mmapsync.FormatError
	var foreign *FormatError
	if errors.Is(err, mmapsync.ErrNotPublished) || errors.As(err, &damaged) || errors.As(err, &foreign) {
		p.plan.seed, err = NewSeed()
	}
	return err
}

// NewSeed returns a random seed of the keys' hash, for [PublisherConfig]. It is never 0.
func NewSeed() (uint64, error) {
	var b [8]byte
	if _, err := crand.Read(b[:]); err != nil {
		return 0, err
	}
	return max(binary.LittleEndian.Uint64(b[:]), 1), nil
}

// Seed returns the seed of the keys' hash.
func (p *Publisher) Seed() uint64 { return p.plan.seed }

// Put changes the row of a key in dimension d of the schema, or adds it. stamp is the time of its
// last change, ns since 1970 UTC, rounded down to 1/256 s. Put copies the row, which has one value
// for each column. Key 0 is not allowed. The error may be ErrRebuild.
func (p *Publisher) Put(d int, key uint64, stamp int64, row []float32) error {
	if err := p.plan.check(d, key, row); err != nil {
		return err
	}
	if p.overflows() {
		return ErrRebuild
	}
	putFloats(p.pending.add(d, false, key, stamp, len(row)), row)
	return nil
}

// Delete removes a key from dimension d of the schema if it is there.
func (p *Publisher) Delete(d int, key uint64) {
	if d >= 0 && d < len(p.plan.parts) && key != 0 && !p.overflows() {
		p.pending.add(d, true, key, 0, 0)
	}
}

// overflows bounds the changes that wait for a publication to twice the size of a copy, which is
// more than it takes to put every row and to delete every row. Beyond that it drops them and
// reports true.
func (p *Publisher) overflows() bool {
	if p.pending.size > 2*p.plan.size {
		p.incomplete = true
		p.pending.drop()
	}
	return p.incomplete
}

// Reset empties the table: the next publication contains only rows put after Reset. Readers keep
// the last publication until then.
func (p *Publisher) Reset() {
	p.pending.clear()
	p.pending.startsEmpty, p.incomplete = true, false
}

// Publish publishes the table with all changes, as of now, nanoseconds since 1970 UTC. On an error
// the last publication stays current and the changes are kept for the next attempt, unless the
// error is ErrRebuild.
func (p *Publisher) Publish(now int64) error {
	if p.overflows() {
		return ErrRebuild
	}
	p.now = now
	if _, err := p.writer.Update(p.plan.size, p.forwardCopy); err != nil {
		return err
	}
	p.stats.Publications++
	p.stats.Changes += uint64(p.pending.count)
	p.previous, p.pending = p.pending, p.previous
	p.pending.clear()
	// Replaying a quarter of a table takes longer than copying all of it.
	if p.previous.size > p.plan.size/4 {
		p.previous.drop()
	}
	return nil
}

// forward brings a copy up to date.
func (p *Publisher) forward(c *mmapsync.Copy) error {
	usable := c.Size == p.plan.size && c.Holds != 0 && p.plan.fits(c.Bytes)
	format, again := p.pending.startsEmpty, false
	switch {
	case format:
		p.stats.Rebuilt++
	case usable && c.Holds == c.Number-1:
	case usable && c.Holds == c.Number-2 && p.previous.number == c.Number-1:
		format, again = p.previous.startsEmpty, true
	case p.plan.fits(c.Current):
		copy(c.Bytes, c.Current)
		p.stats.Copied++
	default:
		p.incomplete = true
		p.pending.drop()
		return ErrRebuild
	}
	p.editor.begin(&p.plan, c.Bytes, p.now, format)
	if again {
		p.previous.replay(&p.editor)
	}
	p.pending.replay(&p.editor)
	p.editor.end(p.now)
	p.pending.number = c.Number
	c.Hash = le.Uint64(c.Bytes[offChecksum:])
	return nil
}

// Stats returns the counts.
func (p *Publisher) Stats() PublisherStats {
	s := p.stats
	s.Files = p.writer.Stats()
	for i := range p.editor.rows {
		r := &p.editor.rows[i]
		s.Dimensions = append(s.Dimensions, DimensionStats{r.keys, r.capacity, r.evicted, r.crowded})
	}
	return s
}

// Check recreates files that were damaged or deleted; see [mmapsync.Writer.Check]. Stats counts
// what was wrong.
func (p *Publisher) Check() error { return p.writer.Check() }

// Close releases the path. Readers keep the last publication; later changes are lost.
func (p *Publisher) Close() error {
	if err := p.writer.Close(); err != nil {
		return fmt.Errorf("featurestore: close: %w", err)
	}
	return nil
}
