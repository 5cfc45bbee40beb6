package featurestore

import (
	"time"

	"github.com/headgate/headgate/internal/prefetch"
)

// pick is what is read from one dimension.
type pick struct {
	part   part
	key    int   // place among the caller's keys
	runs   []run // in the order of the names
	fading []fading
}

// run is a number of columns that stand side by side in the row and in the order of the names too.
type run struct{ from, to, n int }

// fading is a time constant and the values that fade by it, by their place in the order of the names.
type fading struct {
	tau    time.Duration
	rate   fadeRate
	values []int
}

// add picks one column more.
func (p *pick) add(from, to int, tau time.Duration) {
	last := len(p.runs) - 1
	if last >= 0 && p.runs[last].from+p.runs[last].n == from && p.runs[last].to+p.runs[last].n == to {
		p.runs[last].n++
	} else {
		p.runs = append(p.runs, run{from, to, 1})
	}
	if tau == 0 {
		return
	}
	for i := range p.fading {
		if p.fading[i].tau == tau {
			p.fading[i].values = append(p.fading[i].values, to)
			return
		}
	}
	p.fading = append(p.fading, fading{tau, rateOf(tau), []int{to}})
}

// copy takes the picked columns of a row, which was last changed elapsed nanoseconds ago. dst has a value for each
// name.
func (p *pick) copy(dst []float32, row []byte, elapsed int64) {
	for i := range p.runs {
		r := &p.runs[i]
		getFloats(dst[r.to:r.to+r.n], row[offValues+4*r.from:])
	}
	for i := range p.fading {
		f := &p.fading[i]
		factor := fade(elapsed, f.rate)
		for _, to := range f.values {
			dst[to] *= factor
		}
	}
}

// blank is copy where there is no row.
func (p *pick) blank(dst []float32) {
	for _, r := range p.runs {
		fillNaN(dst[r.to : r.to+r.n])
	}
}

// probe is how far the look-up of one pick has come.
type probe struct {
	first int // offset of the first bucket, 0: no key
	row   int // offset of the row, 0: none found yet
	tag   uint16
}

// group is how many picks go through the steps of a read together.
const group = 8

// read fills dst, which has a value for each name, as [Selection.Read] does.
func (r *resolved) read(h header, dst []float32, keys []uint64, now int64) Info {
	info := Info{Published: h.published(), Unknown: len(r.unknown)}
	for _, to := range r.blank {
		dst[to] = nan
	}
	since := now - h.epoch()
	for picks := r.picks; len(picks) > 0; picks = picks[min(group, len(picks)):] {
		readGroup(picks[:min(group, len(picks))], h.image, dst, keys, since, &info)
	}
	return info
}

// prefetch asks for the first buckets of the keys. It repeats the first loop of readGroup, since the compiler would not
// inline what they have in common.
func (r *resolved) prefetch(image []byte, keys []uint64) {
	for i := range r.picks {
		if p := &r.picks[i]; p.key < len(keys) && keys[p.key] != 0 {
			first, _ := firstOf(keys[p.key], p.part.buckets)
			prefetch.Word(&image[p.part.index+first*bucketSize])
		}
	}
}

// readGroup reads from all dimensions of a group at a time. Memory is a hundred times slower than all the rest, so all
// buckets are asked for before the first one is looked at, and then all rows. Asking by loads instead, which keep what comes
// behind them waiting, takes a fifth longer.
func readGroup(picks []pick, image []byte, dst []float32, keys []uint64, since int64, info *Info) {
	var probes [group]probe
	for i := range picks {
		p, q := &picks[i], &probes[i]
		if p.key >= len(keys) || keys[p.key] == 0 {
			continue
		}
		first, tag := firstOf(keys[p.key], p.part.buckets)
		q.first, q.tag = p.part.index+first*bucketSize, tag
		prefetch.Word(&image[q.first])
	}
	for i := range picks {
		p, q := &picks[i], &probes[i]
		if q.first == 0 {
			continue
		}
		if q.row = p.part.guess((*bucket)(image[q.first:]), q.tag); q.row != 0 {
			prefetch.Words(image[q.row : q.row+p.part.stride])
		}
	}
	for i := range picks {
		p, q := &picks[i], &probes[i]
		if q.first == 0 {
			p.blank(dst)
			continue
		}
		key := keys[p.key]
		if q.row == 0 || le.Uint64(image[q.row+offKey:]) != key {
			n, ok := p.part.lookUp(image, key, homeOf(key, p.part.buckets))
			if !ok {
				info.Missed++
				p.blank(dst)
				continue
			}
			q.row = p.part.rows + n*p.part.stride
		}
		info.Found++
		row := image[q.row : q.row+p.part.stride]
		p.copy(dst, row, since-int64(le.Uint32(row[offStamp:]))*tick)
	}
}

// guess gives the offset of the row that a key of this tag most likely has, 0 where there is none in its first bucket.
func (p *part) guess(b *bucket, tag uint16) int {
	m := b.match(tag)
	if row := b.row(placeAt(m)); m != 0 && row != 0 && int64(row) <= int64(p.capacity) {
		return p.rows + int(row-1)*p.stride
	}
	return 0
}
