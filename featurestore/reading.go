package featurestore

import "github.com/headgate/headgate/internal/prefetch"

// group is how many picks go through the steps of a read together.
const group = 8

// reading is a read under way. Kernels know its fields.
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
	tag   uint32
	found uint32  // 1: row is the key's
	by    factors // then
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

// readAsked is read where ask has found out where the rows are. Where that was in another image of the same layout, what has
// moved since is looked up again: a row has its key.
func (r *resolved) readAsked(a *Ahead, image []byte, dst []float32, now int64) Info {
	g := &a.reading
	g.image, g.dst, g.since = image, dst, now-epochOf(image)
	g.info = Info{Published: publishedAt(image), Unknown: len(r.unknown)}
	for _, to := range r.blank {
		dst[to] = nan
	}
	if g.copy(r.picks) < len(r.picks) {
		g.readLate(r.picks)
	}
	a.asked, g.image, g.dst = nil, nil, nil
	return g.info
}

// ask asks for the rows of the keys.
func (a *Ahead) ask(r *resolved, image []byte, keys []uint64) {
	if len(r.picks) == 0 || len(r.picks) > group {
		return
	}
	g := &a.reading
	g.image, g.keys = image, keys
	g.ask(r.picks)
	g.image, g.keys = nil, nil
	a.asked = r
}

// prefetch asks for what read looks at first.
func (r *resolved) prefetch(image []byte, keys []uint64) {
	for i := range r.picks {
		if p := &r.picks[i]; p.key < len(keys) && keys[p.key] != 0 {
			first, _ := firstOf(keys[p.key], p.part.buckets)
			prefetch.Word(&image[p.part.index+first*bucketSize])
		}
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
	if g.copy(picks) < len(picks) {
		g.readLate(picks)
	}
}

// copy takes the picked columns of the rows that the probes lead to, where these are the keys', and tells how many were.
func (g *reading) copy(picks []pick) (copied int) {
	if hasKernels {
		copyAVX2(g, &picks[0], len(picks))
	}
	for i := range picks {
		p, q := &picks[i], &g.probes[i%group]
		if !hasKernels {
			g.fade(p, q)
		}
		if q.found != 0 {
			copied++
			if len(p.runs)+len(p.single) > 0 {
				p.copyRuns(g.dst, g.image[q.row:q.row+p.part.stride], &q.by)
			}
		}
	}
	g.info.Found += copied
	return copied
}

// fade finds out whether q leads to the key's row, and by what its columns have faded.
func (g *reading) fade(p *pick, q *probe) {
	if q.row == 0 {
		return
	}
	head := g.image[q.row : q.row+offValues : q.row+offValues]
	if le.Uint64(head[offKey:]) != q.key {
		return
	}
	q.found = 1
	elapsed := float64(max(0, g.since-int64(le.Uint32(head[offStamp:]))*tick))
	for i, rate := range p.rates[:p.decays] {
		q.by[i] = fade(elapsed, rate)
	}
}

// readLate reads what copy did not.
func (g *reading) readLate(picks []pick) {
	for i := range picks {
		if q := &g.probes[i%group]; q.found == 0 && !g.readOne(picks[i:i+1], q.key) {
			picks[i].blank(g.dst)
		}
	}
}

// readOne looks for a key in both of its buckets, and reads the one pick if it is there.
func (g *reading) readOne(pick []pick, key uint64) (ok bool) {
	if key == 0 {
		return false
	}
	p := &pick[0].part
	if n, ok := p.lookUp(g.image, key, homeOf(key, p.buckets)); ok {
		first := &g.probes[0] // readLate is past it
		first.key, first.row, first.found = key, p.rows+n*p.stride, 0
		if g.copy(pick) == 1 {
			return true
		}
	}
	g.info.Missed++
	return false
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
		q.key, q.row, q.found = 0, 0, 0
		if p.key >= len(g.keys) || g.keys[p.key] == 0 {
			continue
		}
		q.key = g.keys[p.key]
		first, tag := firstOf(q.key, p.part.buckets)
		q.first, q.tag = p.part.index+first*bucketSize, uint32(tag)
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
			prefetch.Words(g.image[q.row : q.row+p.reach])
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
