package window

import (
	"github.com/dgryski/go-metro"

	"github.com/headgate/headgate/featurestore/traffic"
)

func Exp(x float64) float64 { return exp(x) }

func Log2(x float64) float64 { return log2(x) }

// Filled returns the observation that was added right before, with what the intake filled in.
func (a *Aggregator) Filled() traffic.Observation {
	n := len(a.crew.batch)
	a.crew.settle()
	return a.crew.batch[:n][n-1]
}

func ClientIndex(client uint64) uint64 { return clientIndex(spread(client)) }

// Rehash returns a copy of a checkpoint in which every hash that can be found is right, as somebody
// could who wants it to be taken.
func Rehash(file []byte) []byte {
	b := append([]byte(nil), file...)
	if len(b) < checkpointPreface {
		return b
	}
	var h checkpointHeader
	at := checkpointPreface + int(le.Uint32(b[8:])%maxHeader)
	if at+hashBytes > len(b) {
		return b
	}
	_ = h.decode(b[checkpointPreface:at]) // as far as it goes
	hash := metro.Hash64(b[:at], checkpointSeed)
	le.PutUint64(b[at:], hash)
	at += hashBytes
	for _, p := range h.parts {
		for range p.shards {
			if at+sectionHead > len(b) {
				return b
			}
			head := b[at : at+sectionHead]
			cells := int64(le.Uint32(head)) * int64(4*p.words%(1<<20))
			sketch := int64(le.Uint32(head[16:]))
			if at += sectionHead; int64(at)+cells+sketch+hashBytes > int64(len(b)) {
				return b
			}
			hash = metro.Hash64(head, hash)
			hash = hashPieces(hash, b[at:at+int(cells)], cellsBytes(max(1, int(p.words%(1<<18)))))
			at += int(cells)
			hash = hashPieces(hash, b[at:at+int(sketch)], pieceBytes)
			at += int(sketch)
			le.PutUint64(b[at:], hash)
			at += hashBytes
		}
	}
	return b
}
