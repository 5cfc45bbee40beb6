package scorer

import (
	"math"
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// maxMemberBytes bounds the tables of memberships, which take one bit for each categorical split
// and category.
const maxMemberBytes = 64 << 20

// treeColumns translates a row into the keys that a walker compares: those of numbers, then words
// of memberships, then leafKey.
type treeColumns struct {
	numbers []treeNumber
	members []treeMembers
	count   int // keys without the last
}

// treeNumber is a numeric input with one rule for missing values. Splits with another rule have
// another column.
type treeNumber struct {
	feature int32
	missing uint32 // key that replaces NaN
	zero    uint32 // key of values up to flushed
	flushed uint32 // bits of a float32
}

// Keys of missing values: below and above all borders.
const (
	leftKey  = 0
	rightKey = math.MaxUint32
)

// treeKey maps floats to numbers of the same order, as OrderKey does.
func treeKey(v float32) uint32 { return uint32(forest.OrderKey(v)) ^ 1<<31 }

// infiniteBits are the bits of +Inf: the bits of magnitudes are ordered as the magnitudes, and
// those of NaN are greater.
const infiniteBits = 0xff << 23

func newTreeNumber(feature int32, rule forest.MissingRule, flushed float32) treeNumber {
	n := treeNumber{feature: feature, zero: treeKey(0), flushed: math.Float32bits(flushed)}
	switch rule {
	case forest.MissingLeft:
		n.missing = leftKey
	case forest.MissingRight:
		n.missing = rightKey
	case forest.MissingAsZero:
		n.missing = n.zero
	case forest.MissingZeroLeft:
		n.missing, n.zero = leftKey, leftKey
	case forest.MissingZeroRight:
		n.missing, n.zero = rightKey, rightKey
	}
	return n
}

// treeMembers is a categorical input. Each category that occurs in a split has a row of bits, one
// for each split on the input: whether the split sends the category right. The first two rows are
// for a missing value and for a category that occurs in no split.
type treeMembers struct {
	feature    int32
	first      int32   // first key
	stride     int32   // words of a row
	least      float32 // values below are no category
	categories []int32 // ascending
	dense      []int32 // row of each category, if they are numbered densely
	rows       []uint32
}

const (
	missingRow = 0
	unknownRow = 1
)

// row finds the row of bits of a value.
func (m *treeMembers) row(v float32) int32 {
	switch {
	case v != v:
		return missingRow
	case v < m.least || v >= forest.MaxCategory:
		return unknownRow
	}
	category := int32(v)
	if m.dense != nil {
		if int(category) < len(m.dense) {
			return m.dense[category]
		}
		return unknownRow
	}
	if i, ok := slices.BinarySearch(m.categories, category); ok {
		return int32(i) + 2
	}
	return unknownRow
}

// fill translates a row, which has a value for each feature. keys has room for count+1.
func (c *treeColumns) fill(keys []uint32, x []float32) {
	fillTreeNumbers(keys, c.numbers, x)
	for i := range c.members {
		m := &c.members[i]
		copy(keys[m.first:m.first+m.stride], m.rows[m.row(x[m.feature])*m.stride:])
	}
	keys[c.count] = leafKey
}

// fillTreeNumbers writes the keys of numeric inputs. Magnitudes are compared as integers, and
// treeKey is repeated without its addition, since a zero of either sign is at most flushed, so that
// no branch depends on a value: the processor could not predict it.
func fillTreeNumbers(keys []uint32, numbers []treeNumber, x []float32) {
	keys = keys[:len(numbers)]
	for i := range numbers {
		n := &numbers[i]
		bits := math.Float32bits(x[n.feature])
		magnitude := bits &^ (1 << 31)
		key := bits ^ (uint32(int32(bits)>>31) | 1<<31)
		if zero := n.zero; magnitude <= n.flushed {
			key = zero
		}
		if missing := n.missing; magnitude > infiniteBits { // NaN
			key = missing
		}
		keys[i] = key
	}
}

// treeColumnsBuilder numbers the columns of an ensemble.
type treeColumnsBuilder struct {
	format  string
	trees   *forest.BinaryTrees
	columns treeColumns
	numbers map[treeNumber]uint16
	splits  map[int32][]int32 // categorical splits by feature, in order
}

// newTreeColumns returns the columns of an ensemble that passed its check, and for each split what
// the walker compares.
func newTreeColumns(e *forest.Ensemble) (treeColumns, []walkSplit, error) {
	b := e.Binary
	d := &treeColumnsBuilder{format: e.Format, trees: b, numbers: map[treeNumber]uint16{},
		splits: map[int32][]int32{}}
	walks := make([]walkSplit, len(b.Splits))
	for i := range b.Splits {
		s := &b.Splits[i]
		walks[i] = walkSplit{border: uint32(s.Border) ^ 1<<31, left: s.Left, right: s.Right}
		if s.Kind != forest.NumericSplit {
			d.splits[s.Feature] = append(d.splits[s.Feature], int32(i))
			continue
		}
		number := newTreeNumber(s.Feature, s.Missing, b.Flushed)
		column, ok := d.numbers[number]
		if !ok {
			column = uint16(len(d.columns.numbers))
			d.numbers[number] = column
			d.columns.numbers = append(d.columns.numbers, number)
		}
		if len(d.columns.numbers) >= maxWalkColumns {
			return treeColumns{}, nil, forest.Unsupported(e.Format,
				"a model that compares more than %d inputs", maxWalkColumns-1)
		}
		walks[i].column = column
	}
	if err := d.addMembers(walks); err != nil {
		return treeColumns{}, nil, err
	}
	return d.columns, walks, nil
}

// addMembers makes the tables of the categorical inputs.
func (d *treeColumnsBuilder) addMembers(walks []walkSplit) error {
	features := make([]int32, 0, len(d.splits))
	for feature := range d.splits {
		features = append(features, feature)
	}
	slices.Sort(features)
	first, size := len(d.columns.numbers), 0
	for _, feature := range features {
		splits := d.splits[feature]
		known := d.known(splits)
		stride := (len(splits) + 31) / 32
		size += 4 * stride * (len(known) + 2)
		if size > maxMemberBytes || first+stride >= maxWalkColumns {
			return forest.Unsupported(d.format,
				"a model whose categorical splits take more than %d MiB or %d words",
				maxMemberBytes>>20, maxWalkColumns)
		}
		m := treeMembers{feature: feature, first: int32(first), stride: int32(stride),
			categories: known}
		if d.trees.Truncating {
			m.least = math.Nextafter32(-1, 0)
		}
		m.index()
		m.rows = make([]uint32, stride*(len(known)+2))
		for i, split := range splits {
			d.mark(&m, &d.trees.Splits[split], i)
			walks[split].column = uint16(first+i/32) | memberColumn
			walks[split].border = uint32(i % 32)
		}
		d.columns.members = append(d.columns.members, m)
		first += stride
	}
	d.columns.count = first
	return nil
}

// known lists the categories of the splits.
func (d *treeColumnsBuilder) known(splits []int32) []int32 {
	var known []int32
	for _, split := range splits {
		set := d.trees.Splits[split].Set
		known = append(known, d.trees.Categories[set[0]:set[1]]...)
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// index makes the table of rows by category if it is not much larger than the list of categories.
func (m *treeMembers) index() {
	if len(m.categories) == 0 {
		return
	}
	largest := int(m.categories[len(m.categories)-1])
	if largest > 64+16*len(m.categories) {
		return
	}
	m.dense = make([]int32, largest+1)
	for i := range m.dense {
		m.dense[i] = unknownRow
	}
	for i, category := range m.categories {
		m.dense[category] = int32(i) + 2
	}
}

// mark sets bit i of the rows of all categories that the split sends right.
func (d *treeColumnsBuilder) mark(m *treeMembers, s *forest.BinarySplit, i int) {
	word, bit := int32(i/32), uint32(1)<<(i%32)
	if s.Missing == forest.MissingRight {
		m.rows[missingRow*m.stride+word] |= bit
	}
	if s.Kind == forest.InSetLeft {
		for row := int32(unknownRow); row < int32(len(m.categories))+2; row++ {
			m.rows[row*m.stride+word] |= bit
		}
	}
	for _, category := range d.trees.Categories[s.Set[0]:s.Set[1]] {
		at := m.row(float32(category))*m.stride + word
		if s.Kind == forest.InSetLeft {
			m.rows[at] &^= bit
		} else {
			m.rows[at] |= bit
		}
	}
}
