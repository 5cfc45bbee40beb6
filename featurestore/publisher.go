package featurestore

import (
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/headgate/headgate/mmapsync"
)

// PublisherOptions holds the settings of a Publisher.
type PublisherOptions struct {
	// Capacity is the number of keys that each dimension has room for, in the schema's order. A single number stands
	// for all dimensions; none means DefaultCapacity for all. A full dimension evicts.
	Capacity []int

	// Seed is that of the keys' hash, where the rows to be put have keys already. A table with another one is not continued.
	// 0: that of the table found, or a random one.
	Seed uint64

	Writer mmapsync.WriterOptions
}

// DefaultCapacity is the number of keys of a dimension where PublisherOptions gives none.
const DefaultCapacity = 1 << 17

// ErrRebuild reports that the publisher does not know what the table holds any more: after Reset every row has to be
// put again. What was published stays readable until then.
var ErrRebuild = errors.New("feature table: too much changed or the published table is gone; it has to be built anew")

// Publisher keeps a table of one schema published under a path, for any number of readers in other processes. It is
// for one goroutine. There is one publisher for a path: a second one is refused (mmapsync.ErrLocked).
//
// A publication costs what changed since the one before the last: the changes of two publications are replayed into
// the copy that no reader looks at. Everything that the table is lies in the copy itself, so that the next publisher
// of the path can go on with it.
type Publisher struct {
	plan   plan
	writer *mmapsync.Writer
	editor editor
	bring  func(*mmapsync.Copy) error // p.forward, bound once

	now     int64
	current *changes // since the last publication
	former  *changes // of the last publication, where it has a number
	lost    bool     // changes were dropped
	stats   PublisherStats
}

// PublisherStats are a Publisher's counts.
type PublisherStats struct {
	Adopted      bool   // the table that a former publisher left was sound and is being continued
	Publications uint64 // since the publisher was opened
	Rebuilt      uint64 // of these, how many began with an empty table
	Copied       uint64 // of these, how many began with a copy of the last publication
	Changes      uint64 // rows put and deleted, published
	Bytes        int    // of one copy; there are two
	Dimensions   []DimensionStats
	Files        mmapsync.Stats
}

// DimensionStats are the counts of one dimension as of the last publication.
type DimensionStats struct {
	Keys, Capacity int
	Evicted        uint64 // rows that made place for others because the dimension was full, since the table was built
	Crowded        uint64 // rows that did because the two buckets of a key were full
}

// OpenPublisher takes over path, or makes its files. A table of the same schema and capacities that a former publisher
// left there is checked, row by row, and continued; in its place the next publication otherwise puts a table built
// from the rows that are put until then. The seed of the keys' hash is that of the table found, so that readers' keys
// stay right, and random where there was none. No reader slot is needed for that: readers cannot keep a publisher from
// starting, however many there are.
func OpenPublisher(path string, schema Schema, options PublisherOptions) (*Publisher, error) {
	plan, err := newPlan(schema, 0)
	if err != nil {
		return nil, err
	}
	if err := plan.setCapacity(capacityFor(schema, options.Capacity)); err != nil {
		return nil, err
	}
	w, err := mmapsync.OpenWriter(path, options.Writer)
	if err != nil {
		return nil, err
	}
	p := &Publisher{plan: plan, writer: w, current: new(changes), former: new(changes)}
	p.bring = p.forward
	p.stats.Bytes = plan.size
	// The writer's lock comes first: under it nobody else changes what is published.
	if err := p.adopt(); err != nil {
		w.Close()
		return nil, err
	}
	if seed := options.Seed; seed != 0 && seed != p.plan.seed {
		p.plan.seed, p.stats.Adopted = seed, false
	}
	p.current.reset = !p.stats.Adopted
	return p, nil
}

func capacityFor(schema Schema, given []int) []int {
	if len(given) > 1 || len(schema.Dimensions) == len(given) {
		return given
	}
	capacity := make([]int, len(schema.Dimensions))
	for i := range capacity {
		capacity[i] = DefaultCapacity
		if len(given) == 1 {
			capacity[i] = given[0]
		}
	}
	return capacity
}

// adopt looks at what is published under the path. Trouble with the system is an error: a seed changed for its sake would
// make everything unknown that is kept by key.
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

// NewSeed draws a seed of the keys' hash, for [PublisherOptions]. It is never 0.
func NewSeed() (uint64, error) {
	var b [8]byte
	if _, err := crand.Read(b[:]); err != nil {
		return 0, err
	}
	return max(binary.LittleEndian.Uint64(b[:]), 1), nil
}

// Seed is the seed of the keys' hash.
func (p *Publisher) Seed() uint64 { return p.plan.seed }

// Put changes the row of a key in dimension d of the schema, or adds it. stamp is the time of its last change, ns
// since 1970 UTC, kept to 1/256 s. The row, which is copied, has one value for each column. Key 0 is not allowed. The
// error may be ErrRebuild.
func (p *Publisher) Put(d int, key uint64, stamp int64, row []float32) error {
	if err := p.plan.check(d, key, row); err != nil {
		return err
	}
	if p.overflows() {
		return ErrRebuild
	}
	putFloats(p.current.add(d, false, key, stamp, len(row)), row)
	return nil
}

// Delete removes a key from dimension d of the schema, where it is there.
func (p *Publisher) Delete(d int, key uint64) {
	if d >= 0 && d < len(p.plan.parts) && key != 0 && !p.overflows() {
		p.current.add(d, true, key, 0, 0)
	}
}

// overflows bounds the changes that wait for a publication: to twice a copy, which is more than it takes to put every
// row and to delete every row.
func (p *Publisher) overflows() bool {
	if p.current.size > 2*p.plan.size {
		p.lost = true
		p.current.drop()
	}
	return p.lost
}

// Reset forgets the table: the next publication is one built from the rows that are put from now on. Until then
// readers have the former one.
func (p *Publisher) Reset() {
	p.current.clear()
	p.current.reset, p.lost = true, false
}

// Publish gives the table, with all changes, to the readers, as of now, nanoseconds since 1970 UTC. On an error the
// former publication stays current and the changes are kept for the next attempt, unless the error is ErrRebuild.
func (p *Publisher) Publish(now int64) error {
	if p.overflows() {
		return ErrRebuild
	}
	p.now = now
	if _, err := p.writer.Update(p.plan.size, p.bring); err != nil {
		return err
	}
	p.stats.Publications++
	p.stats.Changes += uint64(p.current.count)
	p.former, p.current = p.current, p.former
	p.current.clear()
	// Replaying a quarter of a table takes longer than copying all of it.
	if p.former.size > p.plan.size/4 {
		p.former.drop()
	}
	return nil
}

// forward brings a copy to the present.
func (p *Publisher) forward(c *mmapsync.Copy) error {
	usable := c.Size == p.plan.size && c.Holds != 0 && p.plan.fits(c.Bytes)
	format, again := p.current.reset, false
	switch {
	case format:
		p.stats.Rebuilt++
	case usable && c.Holds == c.Number-1:
	case usable && c.Holds == c.Number-2 && p.former.number == c.Number-1:
		format, again = p.former.reset, true
	case p.plan.fits(c.Current):
		copy(c.Bytes, c.Current)
		p.stats.Copied++
	default:
		p.lost = true
		p.current.drop()
		return ErrRebuild
	}
	p.editor.begin(&p.plan, c.Bytes, p.now, format)
	if again {
		p.former.replay(&p.editor)
	}
	p.current.replay(&p.editor)
	p.editor.end(p.now)
	p.current.number = c.Number
	c.Hash = le.Uint64(c.Bytes[offChecksum:])
	return nil
}

// Stats gives the counts.
func (p *Publisher) Stats() PublisherStats {
	s := p.stats
	s.Files = p.writer.Stats()
	for i := range p.editor.rows {
		r := &p.editor.rows[i]
		s.Dimensions = append(s.Dimensions, DimensionStats{r.keys, r.capacity, r.evicted, r.crowded})
	}
	return s
}

// Check makes files anew that were damaged or deleted; see [mmapsync.Writer.Check]. Stats say what was wrong.
func (p *Publisher) Check() error { return p.writer.Check() }

// Close lets go of the path. What was published stays readable, and changes since then are lost.
func (p *Publisher) Close() error {
	if err := p.writer.Close(); err != nil {
		return fmt.Errorf("feature table: %w", err)
	}
	return nil
}
