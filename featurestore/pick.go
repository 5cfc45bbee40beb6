package featurestore

import (
	"math/bits"
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

// copy takes the picked columns of a row as of since, nanoseconds after the image's epoch. dst has a value for each name.
func (p *pick) copy(dst []float32, row []byte, since int64) {
	for i := range p.runs {
		r := &p.runs[i]
		getFloats(dst[r.to:r.to+r.n], row[offValues+4*r.from:])
	}
	elapsed := since - int64(le.Uint32(row[offStamp:]))*tick
	if elapsed <= 0 {
		return
	}
	over := float64(elapsed)
	for i := range p.fading {
		f := &p.fading[i]
		factor := fadeOver(over, f.rate)
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
	key   uint64 // 0: none
	first int    // offset of the key's first bucket
	row   int    // offset of the row, 0: none found yet
	tag   uint16
}

// group is how many picks go through the steps of a read together.
const group = 8

// read fills dst, which has a value for each name, as [Selection.Read] does.
func (r *resolved) read(image []byte, dst []float32, keys []uint64, now int64) Info {
	info := Info{Published: publishedAt(image), Unknown: len(r.unknown)}
	for _, to := range r.blank {
		dst[to] = nan
	}
	since := now - epochOf(image)
	for picks := r.picks; len(picks) > 0; picks = picks[min(group, len(picks)):] {
		readGroup(picks[:min(group, len(picks))], image, dst, keys, since, &info)
	}
	return info
}

// prefetch asks for what read looks at first.
func (r *resolved) prefetch(image []byte, keys []uint64) {
	var room [group]probe
	for picks := r.picks; len(picks) > 0; picks = picks[min(group, len(picks)):] {
		askBuckets(room[:min(group, len(picks))], picks, image, keys)
	}
}

// readGroup reads from all dimensions of a group at a time. Memory is a hundred times slower than all the rest, so all
// buckets are asked for before the first one is looked at, and then all rows. What is not found in its first bucket comes
// last: its second one is fetched while the other rows are read. Asking by loads instead of prefetches, which keep what comes
// behind them waiting, takes a fifth longer.
func readGroup(picks []pick, image []byte, dst []float32, keys []uint64, since int64, info *Info) {
	var room [group]probe
	probes := room[:len(picks)]
	askBuckets(probes, picks, image, keys)
	askRows(probes, picks, image)
	late := uint(0) // one bit for each pick
	for i := range probes {
		p, q := &picks[i], &probes[i]
		switch {
		case q.key == 0:
			p.blank(dst)
		case q.row != 0 && le.Uint64(image[q.row+offKey:]) == q.key:
			info.Found++
			p.copy(dst, image[q.row:q.row+p.part.stride], since)
		default:
			late |= 1 << i
		}
	}
	for ; late != 0; late &= late - 1 {
		i := bits.TrailingZeros(late)
		p, key := &picks[i], probes[i].key
		if n, ok := p.part.lookUp(image, key, homeOf(key, p.part.buckets)); ok {
			info.Found++
			p.copy(dst, p.part.row(image, n), since)
		} else {
			info.Missed++
			p.blank(dst)
		}
	}
}

// askBuckets begins a probe for each pick, and asks for the bucket in which nearly all keys lie.
func askBuckets(probes []probe, picks []pick, image []byte, keys []uint64) {
	picks = picks[:len(probes)]
	for i := range probes {
		p, q := &picks[i], &probes[i]
		if p.key >= len(keys) || keys[p.key] == 0 {
			continue
		}
		q.key = keys[p.key]
		first, tag := firstOf(q.key, p.part.buckets)
		q.first, q.tag = p.part.index+first*bucketSize, tag
		prefetch.Word(&image[q.first])
	}
}

// askRows asks for the rows that the keys most likely have, and for the second bucket where there is none in the first.
func askRows(probes []probe, picks []pick, image []byte) {
	picks = picks[:len(probes)]
	for i := range probes {
		p, q := &picks[i], &probes[i]
		if q.key == 0 {
			continue
		}
		b := bucketAt(image, q.first)
		matches := b.match(q.tag)
		row := b.row(placeAt(matches))
		if n := uint64(row - 1); matches != 0 && n < uint64(p.part.capacity) {
			q.row = p.part.rows + int(n)*p.part.stride
			prefetch.Words(image[q.row : q.row+p.part.stride])
		} else if b.spilled() != 0 {
			second := homeOf(q.key, p.part.buckets).second
			prefetch.Word(&image[p.part.index+second*bucketSize])
		}
	}
}
