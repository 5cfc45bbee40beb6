package featurestore

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/mmapsync"
)

// maxDecays is how many different time constants the columns of one dimension may have.
const maxDecays = 8

// Selection is a list of features, resolved by name against whatever schema is published. It is made once and is safe
// for concurrent use.
type Selection struct {
	store      *Store
	dimensions []string
	names      []string

	resolving sync.Mutex
	current   atomic.Pointer[resolved] // replaced when the schema or the seed changes
	refused   atomic.Pointer[refusal]  // the last image whose schema could not be read
}

// refusal remembers what is wrong with an image's schema, so that a damaged one costs the request path one lock and
// one decoding, not one for each request.
type refusal struct {
	version mmapsync.Version
	err     error
}

// resolved is a selection's names looked up in one schema. It is never changed.
type resolved struct {
	fingerprint uint64
	seed        uint64
	picks       []pick
	unknown     []string
}

// pick is what is read from one dimension.
type pick struct {
	part    int // place in the schema
	key     int // place among the caller's keys
	decays  []time.Duration
	columns []pickColumn
}

type pickColumn struct {
	from, to int
	decay    int // place in decays, or -1
}

// Info tells what a read found.
type Info struct {
	Published int64 // time of the publication that was read, ns since 1970 UTC
	Found     int   // dimensions with a row for their key
	Missed    int   // dimensions without
	Unknown   int   // selected names that the published schema does not have
}

// Select makes a selection of features by their full names, dimension/column. dimensions names, in the order in which
// Read gets them, what the keys belong to; a name of any other dimension is unknown. Nothing needs to be published
// yet.
func (s *Store) Select(dimensions, names []string) *Selection {
	return &Selection{store: s, dimensions: slices.Clone(dimensions), names: slices.Clone(names)}
}

// Read fills dst, which has one value for each selected name, with the features of the given keys (one for each
// dimension that Select named; 0: none) as of now, nanoseconds since 1970 UTC. What is not there is NaN. On an error,
// which tells that nothing is published or that it is damaged, all of dst is NaN. Read allocates nothing, except for
// the first read under a new schema.
//
// The keys are hashes with the seed that [Selection.Seed] gives.
func (s *Selection) Read(dst []float32, keys []uint64, now int64) (Info, error) {
	fillNaN(dst)
	snap, err := s.store.reader.Acquire()
	if err != nil {
		return Info{}, err
	}
	defer snap.Release()
	h, err := openHeader(snap.Bytes())
	if err != nil {
		return Info{}, err
	}
	r, err := s.resolve(h, snap.Version())
	if err != nil {
		return Info{}, err
	}
	info, err := r.read(h, dst, keys, now)
	if err != nil {
		fillNaN(dst)
	}
	return info, err
}

// Seed gives the seed that keys must be hashed with; not ok where nothing readable is published.
func (s *Selection) Seed() (uint64, bool) {
	if r := s.current.Load(); r != nil {
		return r.seed, true
	}
	if _, err := s.Read(nil, nil, 0); err != nil {
		return 0, false
	}
	return s.current.Load().seed, true
}

// Unknown gives the selected names that the schema read last does not have.
func (s *Selection) Unknown() []string {
	if r := s.current.Load(); r != nil {
		return r.unknown
	}
	return nil
}

func (r *resolved) read(h header, dst []float32, keys []uint64, now int64) (Info, error) {
	info := Info{Published: h.published(), Unknown: len(r.unknown)}
	for i := range r.picks {
		p := &r.picks[i]
		part, ok := h.part(p.part)
		if !ok {
			return info, formatErrorf("directory entry %d points outside of the image", p.part)
		}
		if p.key >= len(keys) || keys[p.key] == 0 {
			continue
		}
		row, ok := part.find(h.image, keys[p.key])
		if !ok {
			info.Missed++
			continue
		}
		info.Found++
		p.copy(dst, row, now-part.stamp(row))
	}
	return info, nil
}

// copy takes the picked columns of row, which was last changed elapsed nanoseconds ago.
func (p *pick) copy(dst []float32, row []byte, elapsed int64) {
	var factors [maxDecays]float32
	for i, tau := range p.decays {
		factors[i] = Decay(elapsed, tau)
	}
	for _, c := range p.columns {
		if c.to >= len(dst) || 4*c.from+8 > len(row) {
			continue
		}
		v := value(row, c.from)
		if c.decay >= 0 {
			v *= factors[c.decay]
		}
		dst[c.to] = v
	}
}

// resolve gives the names' places in the image's schema, from the last time where that is still it.
func (s *Selection) resolve(h header, version mmapsync.Version) (*resolved, error) {
	r := s.current.Load()
	if r != nil && r.fingerprint == h.fingerprint() && r.seed == h.seed() {
		return r, nil
	}
	if f := s.refused.Load(); f != nil && f.version == version {
		return nil, f.err
	}
	s.resolving.Lock()
	defer s.resolving.Unlock()
	r = s.current.Load() // another goroutine may have been here first
	if r != nil && r.fingerprint == h.fingerprint() && r.seed == h.seed() {
		return r, nil
	}
	r, err := s.resolveAnew(h)
	if err != nil {
		s.refused.Store(&refusal{version, err})
		return nil, err
	}
	s.current.Store(r)
	return r, nil
}

func (s *Selection) resolveAnew(h header) (*resolved, error) {
	encoded, err := h.schema()
	if err != nil {
		return nil, err
	}
	schema, err := decodeSchema(encoded)
	if err != nil {
		return nil, err
	}
	if h.dimensions != len(schema.Dimensions) {
		return nil, formatErrorf("%d directory entries for %d dimensions", h.dimensions, len(schema.Dimensions))
	}
	r := s.lookUp(schema)
	r.fingerprint, r.seed = h.fingerprint(), h.seed()
	return r, nil
}

func (s *Selection) lookUp(schema Schema) *resolved {
	r := &resolved{}
	places := make(map[string]int) // of a dimension in r.picks
	for to, name := range s.names {
		dimension, column, _ := strings.Cut(name, "/")
		d, key := schema.dimension(dimension), slices.Index(s.dimensions, dimension)
		from := -1
		if d >= 0 && key >= 0 {
			from = schema.Dimensions[d].column(column)
		}
		if from < 0 {
			r.unknown = append(r.unknown, name)
			continue
		}
		at, ok := places[dimension]
		if !ok {
			at = len(r.picks)
			places[dimension] = at
			r.picks = append(r.picks, pick{part: d, key: key})
		}
		p := &r.picks[at]
		p.columns = append(p.columns, pickColumn{from, to, p.decay(schema.Dimensions[d].Columns[from].Decay)})
	}
	return r
}

// decay gives the place of a time constant among the pick's own, -1 for none. A schema has at most maxDecays.
func (p *pick) decay(tau time.Duration) int {
	if tau == 0 {
		return -1
	}
	for i, t := range p.decays {
		if t == tau {
			return i
		}
	}
	p.decays = append(p.decays, tau)
	return len(p.decays) - 1
}

var nan = float32(math.NaN())

func fillNaN(dst []float32) {
	for i := range dst {
		dst[i] = nan
	}
}
