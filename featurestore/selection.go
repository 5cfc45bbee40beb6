package featurestore

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/mmapsync"
)

// maxDecays is the number of different time constants that the columns of one dimension may have.
const maxDecays = 8

// Selection is a list of features by name, resolved against the published schema whenever that
// changes. It is safe for concurrent use.
type Selection struct {
	store      *Store
	dimensions []string
	names      []string

	resolving sync.Mutex
	current   atomic.Pointer[resolved] // replaced when the schema or the seed changes
	lastBad   atomic.Pointer[badImage] // the last image whose header or schema could not be read
}

// badImage remembers what is wrong with an image, so that a damaged image costs the request path
// one lock and one decoding, not one for each request.
type badImage struct {
	version mmapsync.Version
	err     error
}

// resolved is a selection's names resolved for one schema and layout. It is immutable. The checks
// of one image hold for every other image of its kind and size.
type resolved struct {
	kind    kind
	seed    uint64
	size    int // of the image
	width   int // number of selected names
	picks   []pick
	unknown []string
	blank   []int // indices of the unknown names
}

// fits reports whether r was made for images like this one.
func (r *resolved) fits(image []byte) bool {
	return r != nil && r.size == len(image) && r.kind.is(image)
}

// Info reports what a read found.
type Info struct {
	Published int64 // time of the publication that was read, ns since 1970 UTC
	Found     int   // dimensions whose key has a row
	Missed    int   // dimensions whose key has no row
	Unknown   int   // selected names that the published schema does not have
}

// Select returns a selection of features by their full names, dimension/column. dimensions lists
// the dimensions of the keys that Read gets, in that order; features of other dimensions are
// unknown. Select needs no publication.
func (s *Store) Select(dimensions, names []string) *Selection {
	return &Selection{store: s, dimensions: slices.Clone(dimensions), names: slices.Clone(names)}
}

// Read fills dst, which should have one value for each selected name, with the features of the
// given keys (one for each dimension passed to Select; 0 for a dimension without a key) as of now,
// nanoseconds since 1970 UTC. Missing values are NaN. If nothing is published or the image is
// damaged, Read returns an error and sets all of dst to NaN. Read allocates nothing, except on the
// first read under a new schema and if dst has another length.
//
// Keys are hashes with the seed that [Selection.ResolveSeed] returns.
func (s *Selection) Read(dst []float32, keys []uint64, now int64) (Info, error) {
	return s.ReadAhead(nil, dst, keys, now)
}

// ReadAhead is Read for the keys of the last Locate with the same memory. Without a Locate, or if a
// is nil, it is a plain Read.
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
	case len(dst) == r.width && a != nil && a.located == r:
		return r.readLocated(a, image, dst, now), nil
	case len(dst) == r.width:
		return r.read(image, dst, keys, now), nil
	}
	all := make([]float32, r.width)
	info := r.read(image, all, keys, now)
	fillNaN(dst[copy(dst, all):])
	return info, nil
}

// Ahead is memory for reads whose rows are located ahead. It must not be used by two goroutines at
// once.
type Ahead struct {
	located *resolved // whose rows were located, or nil
	reading reading
}

// Prefetch starts to fetch the memory that a Read of the same keys needs first, and does not wait.
// It pays if there is other work before that Read, which then waits for one round of cache misses
// instead of two. Locate takes care of the other one.
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

// Locate finds the rows of keys for the next ReadAhead with the same memory, and prefetches them.
// It pays some time after a Prefetch of the same keys, if there is other work before that read.
func (s *Selection) Locate(a *Ahead, keys []uint64) {
	a.located = nil
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
		a.locate(r, image, keys)
	}
}

// ResolveSeed returns the seed to hash keys with, and whether anything readable is published. If nothing
// was read yet, it reads the published schema.
func (s *Selection) ResolveSeed() (uint64, bool) {
	if r := s.current.Load(); r != nil {
		return r.seed, true
	}
	if _, err := s.Read(nil, nil, 0); err != nil {
		return 0, false
	}
	return s.current.Load().seed, true
}

// LastSeed returns [Selection.ResolveSeed] as of the last read; it reads nothing itself.
func (s *Selection) LastSeed() (uint64, bool) {
	if r := s.current.Load(); r != nil {
		return r.seed, true
	}
	return 0, false
}

// Unknown returns the selected names that the last schema read does not have.
func (s *Selection) Unknown() []string {
	if r := s.current.Load(); r != nil {
		return r.unknown
	}
	return nil
}

// resolve looks up the names in the image's schema.
func (s *Selection) resolve(image []byte, version mmapsync.Version) (*resolved, error) {
	if f := s.lastBad.Load(); f != nil && f.version == version {
		return nil, f.err
	}
	s.resolving.Lock()
	defer s.resolving.Unlock()
	if r := s.current.Load(); r.fits(image) { // another goroutine was faster
		return r, nil
	}
	r, err := s.lookUp(image)
	if err != nil {
		s.lastBad.Store(&badImage{version, err})
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
	r := &resolved{kind: readKind(image), seed: h.seed(), size: len(image), width: len(s.names)}
	indices := make(map[string]int) // of a dimension in r.picks
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
		at, ok := indices[dimension]
		if !ok {
			at = len(r.picks)
			indices[dimension] = at
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
