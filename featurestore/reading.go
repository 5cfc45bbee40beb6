package featurestore

import "github.com/headgate/headgate/internal/base/prefetch"

// group is the number of picks that go through the steps of a read together.
const group = 8

// reading is a read in progress. Kernels know its fields.
type reading struct {
	image  []byte
	dst    []float32 // has a value for each name
	keys   []uint64
	since  int64 // nanoseconds after the image's epoch
	info   Info
	probes [group]probe
}

// probe is the state of one pick's lookup.
type probe struct {
	key   uint64 // 0: no key
	first int    // offset of the key's first bucket
	row   int    // offset of the row that most likely has the key; 0: not in the first bucket
	tag   uint32
	found uint32  // 1: the row has the key
	by    factors // set if found
}

// read fills dst, which has a value for each name, as [Selection.Read] does.
func (r *resolved) read(image []byte, dst []float32, keys []uint64, now int64) Info {
	var g reading // filled in field by field: a literal would be built elsewhere and copied
	g.image, g.dst, g.keys, g.since = image, dst, keys, now-imageEpoch(image)
	g.info.Published, g.info.Unknown = publishedAt(image), len(r.unknown)
	for _, to := range r.blank {
		dst[to] = nan
	}
	for picks := r.picks; len(picks) > 0; picks = picks[min(group, len(picks)):] {
		g.read(picks[:min(group, len(picks))])
	}
	return g.info
}

// readLocated reads from the rows that Locate found. It looks up again the rows that have moved
// since, if Locate found them in another image of the same layout: each row contains its key.
func (r *resolved) readLocated(a *Ahead, image []byte, dst []float32, now int64) Info {
	g := &a.reading
	g.image, g.dst, g.since = image, dst, now-imageEpoch(image)
	g.info = Info{Published: publishedAt(image), Unknown: len(r.unknown)}
	for _, to := range r.blank {
		dst[to] = nan
	}
	if g.copy(r.picks) < len(r.picks) {
		g.readLate(r.picks)
	}
	a.located, g.image, g.dst = nil, nil, nil
	return g.info
}

// locate prefetches the rows of the keys.
func (a *Ahead) locate(r *resolved, image []byte, keys []uint64) {
	if len(r.picks) == 0 || len(r.picks) > group {
		return
	}
	g := &a.reading
	g.image, g.keys = image, keys
	g.startProbes(r.picks)
	g.image, g.keys = nil, nil
	a.located = r
}

// prefetch fetches the memory that read needs first.
func (r *resolved) prefetch(image []byte, keys []uint64) {
	for i := range r.picks {
		if p := &r.picks[i]; p.key < len(keys) && keys[p.key] != 0 {
			first, _ := locateFirst(keys[p.key], p.part.buckets)
			prefetch.Word(&image[p.part.index+first*bucketSize])
		}
	}
}

// read reads from all dimensions of a group together. Memory is a hundred times slower than
// everything else, so it prefetches all buckets before it looks at the first one, and then all
// rows. Keys that are not in their first bucket come last: their second buckets are fetched while
// the other rows are read. Loading instead of prefetching, which would keep later instructions
// waiting, takes a fifth longer.
func (g *reading) read(picks []pick) {
	if g.startProbes(picks) < len(picks) {
		g.prefetchSeconds(picks)
	}
	if g.copy(picks) < len(picks) {
		g.readLate(picks)
	}
}

// copy copies the picked columns of the rows that the probes found, if these have the right keys,
// and returns how many did.
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

// fade finds out whether q leads to the key's row, and by what factors its columns have faded.
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

// readLate reads the rows that copy did not find.
func (g *reading) readLate(picks []pick) {
	for i := range picks {
		if q := &g.probes[i%group]; q.found == 0 && !g.readOne(picks[i:i+1], q.key) {
			picks[i].blank(g.dst)
		}
	}
}

// readOne looks for a key in both of its buckets and reads the one pick if the key is there.
func (g *reading) readOne(pick []pick, key uint64) (ok bool) {
	if key == 0 {
		return false
	}
	p := &pick[0].part
	if n, ok := p.lookUp(g.image, key, locate(key, p.buckets)); ok {
		first := &g.probes[0] // readLate no longer needs this probe
		first.key, first.row, first.found = key, p.rows+n*p.stride, 0
		if g.copy(pick) == 1 {
			return true
		}
	}
	g.info.Missed++
	return false
}

// startProbes prefetches the buckets of the keys, then their rows, and returns how many rows it
// found.
func (g *reading) startProbes(picks []pick) (found int) {
	if hasKernels {
		return startProbesAVX2(g, &picks[0], len(picks))
	}
	g.prefetchBuckets(picks)
	return g.prefetchRows(picks)
}

// prefetchBuckets starts a probe for each pick and prefetches the bucket that nearly always has the
// key.
func (g *reading) prefetchBuckets(picks []pick) {
	for i := range picks {
		p, q := &picks[i], &g.probes[i%group]
		q.key, q.row, q.found = 0, 0, 0
		if p.key >= len(g.keys) || g.keys[p.key] == 0 {
			continue
		}
		q.key = g.keys[p.key]
		first, tag := locateFirst(q.key, p.part.buckets)
		q.first, q.tag = p.part.index+first*bucketSize, uint32(tag)
		prefetch.Word(&g.image[q.first])
	}
}

// prefetchRows prefetches the rows that most likely have the keys, and returns how many it found.
func (g *reading) prefetchRows(picks []pick) (found int) {
	for i := range picks {
		p, q := &picks[i], &g.probes[i%group]
		if q.key == 0 {
			continue
		}
		b := bucketAt(g.image, q.first)
		matches := b.match(uint16(q.tag))
		row := b.row(lowestEntry(matches))
		if n := uint64(row - 1); matches != 0 && n < uint64(p.part.capacity) {
			q.row = p.part.rows + int(n)*p.part.stride
			prefetch.Words(g.image[q.row : q.row+p.reach])
			found++
		}
	}
	return found
}

// prefetchSeconds prefetches the second buckets of the keys that are not in their first and may be
// there.
func (g *reading) prefetchSeconds(picks []pick) {
	for i := range picks {
		p, q := &picks[i], &g.probes[i%group]
		if q.key == 0 || q.row != 0 || bucketAt(g.image, q.first).spilled() == 0 {
			continue
		}
		second := locate(q.key, p.part.buckets).second
		prefetch.Word(p.part.bucket(g.image, second))
	}
}
