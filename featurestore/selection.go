package featurestore

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

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
	refused   atomic.Pointer[refusal]  // the last image whose header or schema could not be read
}

// refusal remembers what is wrong with an image, so that a damaged one costs the request path one lock and
// one decoding, not one for each request.
type refusal struct {
	version mmapsync.Version
	err     error
}

// resolved is a selection's names looked up in one schema, at one layout of the table. It is never changed. What was
// checked for an image holds for every other of its kind and size.
type resolved struct {
	kind    kind
	seed    uint64
	size    int // of the image
	width   int // number of selected names
	picks   []pick
	unknown []string
	blank   []int // places of the unknown names
}

// fits tells whether r was made for images like this one.
func (r *resolved) fits(image []byte) bool {
	return r != nil && r.size == len(image) && r.kind.is(image)
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

// Read fills dst, which should have one value for each selected name, with the features of the given keys (one for each
// dimension that Select named; 0: none) as of now, nanoseconds since 1970 UTC. What is not there is NaN. On an error,
// which tells that nothing is published or that it is damaged, all of dst is NaN. Read allocates nothing, except for
// the first read under a new schema and where dst has another length.
//
// The keys are hashes with the seed that [Selection.Seed] gives.
func (s *Selection) Read(dst []float32, keys []uint64, now int64) (Info, error) {
	return s.ReadAhead(nil, dst, keys, now)
}

// ReadAhead is a Read of the keys that the last Ask with the same memory was given. Without one, or with no memory (nil), it
// is a plain Read.
func (s *Selection) ReadAhead(a *Ahead, dst []float32, keys []uint64, now int64) (Info, error) {
	snap, err := s.store.reader.Acquire()
	if err != nil {
		fillNaN(dst)
		return Info{}, err
	}
	defer snap.Release()
	image, r := snap.Bytes(), s.current.Load()
	if !r.fits(image) {
		if r, err = s.resolve(image, snap.Version()); err != nil {
			fillNaN(dst)
			return Info{}, err
		}
	}
	switch {
	case len(dst) == r.width && a != nil && a.asked == r:
		return r.readAsked(a, image, dst, now), nil
	case len(dst) == r.width:
		return r.read(image, dst, keys, now), nil
	}
	all := make([]float32, r.width)
	info := r.read(image, all, keys, now)
	fillNaN(dst[copy(dst, all):])
	return info, nil
}

// Ahead is memory for reads whose rows are asked for ahead. One goroutine uses it at a time.
type Ahead struct {
	asked   *resolved // whose rows were asked for; nil: none
	reading reading
}

// Prefetch asks the processor for what a Read of the same keys looks at first, and waits for nothing. It pays where there
// is something else to do before that Read: then one of its two rounds of cache misses has passed meanwhile. Ask takes care
// of the other one.
func (s *Selection) Prefetch(keys []uint64) {
	r := s.current.Load()
	if r == nil {
		return
	}
	snap, err := s.store.reader.Acquire()
	if err != nil {
		return
	}
	defer snap.Release()
	if image := snap.Bytes(); r.fits(image) {
		r.prefetch(image, keys)
	}
}

// Ask finds out where the rows of keys are, for the next ReadAhead with the same memory, and asks the processor for them. It
// pays some time after a Prefetch of the same keys, and where there is something else to do before that read.
func (s *Selection) Ask(a *Ahead, keys []uint64) {
	a.asked = nil
	r := s.current.Load()
	if r == nil {
		return
	}
	snap, err := s.store.reader.Acquire()
	if err != nil {
		return
	}
	defer snap.Release()
	if image := snap.Bytes(); r.fits(image) {
		a.ask(r, image, keys)
	}
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

// LastSeed is [Selection.Seed] as of the last read, without reading anything now.
func (s *Selection) LastSeed() (uint64, bool) {
	if r := s.current.Load(); r != nil {
		return r.seed, true
	}
	return 0, false
}

// Unknown gives the selected names that the schema read last does not have.
func (s *Selection) Unknown() []string {
	if r := s.current.Load(); r != nil {
		return r.unknown
	}
	return nil
}

// resolve looks the names up in the image's schema.
func (s *Selection) resolve(image []byte, version mmapsync.Version) (*resolved, error) {
	if f := s.refused.Load(); f != nil && f.version == version {
		return nil, f.err
	}
	s.resolving.Lock()
	defer s.resolving.Unlock()
	if r := s.current.Load(); r.fits(image) { // another goroutine has been here first
		return r, nil
	}
	r, err := s.lookUp(image)
	if err != nil {
		s.refused.Store(&refusal{version, err})
		return nil, err
	}
	s.current.Store(r)
	return r, nil
}

func (s *Selection) lookUp(image []byte) (*resolved, error) {
	h, schema, parts, err := openImage(image)
	if err != nil {
		return nil, err
	}
	r := &resolved{kind: kindOf(image), seed: h.seed(), size: len(image), width: len(s.names)}
	places := make(map[string]int) // of a dimension in r.picks
	for to, name := range s.names {
		dimension, column, _ := strings.Cut(name, "/")
		d, key := schema.dimension(dimension), slices.Index(s.dimensions, dimension)
		from := -1
		if d >= 0 && key >= 0 {
			from = schema.Dimensions[d].column(column)
		}
		if from < 0 {
			r.unknown, r.blank = append(r.unknown, name), append(r.blank, to)
			continue
		}
		at, ok := places[dimension]
		if !ok {
			at = len(r.picks)
			places[dimension] = at
			r.picks = append(r.picks, pick{part: parts[d], key: key})
		}
		r.picks[at].add(from, to, schema.Dimensions[d].Columns[from].Decay)
	}
	for i := range r.picks {
		r.picks[i].plan()
	}
	return r, nil
}

var nan = float32(math.NaN())

func fillNaN(dst []float32) {
	for i := range dst {
		dst[i] = nan
	}
}
