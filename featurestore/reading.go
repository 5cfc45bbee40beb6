package featurestore

import (
	"math/bits"

	"github.com/headgate/headgate/internal/prefetch"
)

// group is how many picks go through the steps of a read together.
const group = 8

// reading is a read under way.
type reading struct {
	image  []byte
	dst    []float32 // has a value for each name
	keys   []uint64
	since  int64 // nanoseconds after the image's epoch
	info   Info
	probes [group]probe
}

// probe is how far the look-up of one pick has come.
type probe struct {
	key   uint64 // 0: none
	first int    // offset of the key's first bucket
	row   int    // offset of the row that the key has most likely, 0: not in the first bucket
	tag   uint64
}

// read fills dst, which has a value for each name, as [Selection.Read] does.
func (r *resolved) read(image []byte, dst []float32, keys []uint64, now int64) Info {
	var g reading // filled in field by field: a literal would be made elsewhere and copied
	g.image, g.dst, g.keys, g.since = image, dst, keys, now-epochOf(image)
	g.info.Published, g.info.Unknown = publishedAt(image), len(r.unknown)
	for _, to := range r.blank {
		dst[to] = nan
	}
	for picks := r.picks; len(picks) > 0; picks = picks[min(group, len(picks)):] {
		g.read(picks[:min(group, len(picks))])
	}
	return g.info
}

// prefetch asks for what read looks at first.
func (r *resolved) prefetch(image []byte, keys []uint64) {
	var g reading
	g.image, g.keys = image, keys
	for picks := r.picks; len(picks) > 0; picks = picks[min(group, len(picks)):] {
		g.askBuckets(picks[:min(group, len(picks))])
	}
}

// read reads from all dimensions of a group at a time. Memory is a hundred times slower than all the rest, so all
// buckets are asked for before the first one is looked at, and then all rows. What is not found in its first bucket comes
// last: its second one is fetched while the other rows are read. Asking by loads instead of prefetches, which keep what comes
// behind them waiting, takes a fifth longer.
func (g *reading) read(picks []pick) {
	if g.ask(picks) < len(picks) {
		g.askSeconds(picks)
	}
	late := uint(0) // one bit for each pick
	for i := range picks {
		p, q := &picks[i], &g.probes[i%group]
		switch {
		case q.row != 0 && g.copy(p, q):
		case q.key == 0:
			p.blank(g.dst)
		default:
			late |= 1 << i
		}
	}
	for ; late != 0; late &= late - 1 {
		i := bits.TrailingZeros(late)
		g.readLate(&picks[i], &g.probes[i%group])
	}
}

// copy takes the picked columns of the row that q leads to; not ok where that is another key's.
func (g *reading) copy(p *pick, q *probe) (ok bool) {
	row := g.image[q.row : q.row+p.part.stride]
	if len(row) < offValues || le.Uint64(row[offKey:]) != q.key {
		return false
	}
	g.info.Found++
	p.copy(g.dst, row, g.since-int64(le.Uint32(row[offStamp:]))*tick)
	return true
}

// readLate reads what ask did not find.
func (g *reading) readLate(p *pick, q *probe) {
	n, ok := p.part.lookUp(g.image, q.key, homeOf(q.key, p.part.buckets))
	if ok {
		q.row = p.part.rows + n*p.part.stride
		ok = g.copy(p, q)
	}
	if !ok {
		g.info.Missed++
		p.blank(g.dst)
	}
}

// ask asks for the buckets of the keys and then for their rows, and tells how many of these it has found.
func (g *reading) ask(picks []pick) (found int) {
	if hasKernels {
		return askAVX2(g, &picks[0], len(picks))
	}
	g.askBuckets(picks)
	return g.askRows(picks)
}

// askBuckets begins a probe for each pick, and asks for the bucket in which nearly all keys lie.
func (g *reading) askBuckets(picks []pick) {
	for i := range picks {
		p, q := &picks[i], &g.probes[i%group]
		q.key, q.row = 0, 0
		if p.key >= len(g.keys) || g.keys[p.key] == 0 {
			continue
		}
		q.key = g.keys[p.key]
		first, tag := firstOf(q.key, p.part.buckets)
		q.first, q.tag = p.part.index+first*bucketSize, uint64(tag)
		prefetch.Word(&g.image[q.first])
	}
}

// askRows asks for the rows that the keys most likely have.
func (g *reading) askRows(picks []pick) (found int) {
	for i := range picks {
		p, q := &picks[i], &g.probes[i%group]
		if q.key == 0 {
			continue
		}
		b := bucketAt(g.image, q.first)
		matches := b.match(uint16(q.tag))
		row := b.row(placeAt(matches))
		if n := uint64(row - 1); matches != 0 && n < uint64(p.part.capacity) {
			q.row = p.part.rows + int(n)*p.part.stride
			prefetch.Words(g.image[q.row : q.row+p.part.stride])
			found++
		}
	}
	return found
}

// askSeconds asks for the second buckets of the keys that were not found, where they may be there.
func (g *reading) askSeconds(picks []pick) {
	for i := range picks {
		p, q := &picks[i], &g.probes[i%group]
		if q.key == 0 || q.row != 0 || bucketAt(g.image, q.first).spilled() == 0 {
			continue
		}
		second := homeOf(q.key, p.part.buckets).second
		prefetch.Word(p.part.bucket(g.image, second))
	}
}
