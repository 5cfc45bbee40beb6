package traffic

import "strings"

// Vector puts single-request and inter-request features into the order of a model's inputs. Make
// one per model; it is safe for concurrent use.
type Vector struct {
	names   []string
	request []place // from RequestFeatures
	parts   parts   // that those belong to
	inter   []string
	at      []int // place of inter[i] in the vector
	unknown []string
	blank   []int // places of the unknown
}

type place struct{ from, to int }

// NewVector resolves the full names of a model's inputs. An unknown name with the prefix "request/"
// is NaN and in Unknown; any other name is an inter-request feature, see Inter.
func NewVector(names []string) *Vector {
	index := make(map[string]int, NumRequestFeatures)
	for i, f := range RequestCatalog {
		index[f.FullName()] = i
	}
	v := &Vector{names: names}
	for to, name := range names {
		from, ok := index[name]
		switch {
		case ok:
			v.request = append(v.request, place{from, to})
			v.parts |= part(from)
		case strings.HasPrefix(name, RequestPrefix):
			v.unknown, v.blank = append(v.unknown, name), append(v.blank, to)
		default:
			v.inter = append(v.inter, name)
			v.at = append(v.at, to)
		}
	}
	return v
}

// Len returns the number of the model's inputs.
func (v *Vector) Len() int { return len(v.names) }

// Inter returns the full names of the inter-request features, in the order of their values in Fill.
func (v *Vector) Inter() []string { return v.inter }

// Unknown returns the names of single-request features that are not in this release.
func (v *Vector) Unknown() []string { return v.unknown }

// Fill writes the model's inputs to dst, which must have Len values: the single-request features of
// ev, and the inter-request features inter, in the order of Inter. It allocates nothing.
func (v *Vector) Fill(dst []float32, ev *Event, inter []float32) {
	v.FillRequest(dst, ev)
	v.FillInter(dst, inter)
}

// FillRequest is the first half of Fill, for callers that read the inter-request features
// meanwhile. It does not write those.
func (v *Vector) FillRequest(dst []float32, ev *Event) {
	var request [NumRequestFeatures]float32
	requestFeatures(ev, v.parts, &request)
	for _, to := range v.blank {
		dst[to] = nan
	}
	for _, p := range v.request {
		dst[p.to] = request[p.from]
	}
}

// FillInter is the second half of Fill.
func (v *Vector) FillInter(dst, inter []float32) {
	for i, to := range v.at {
		dst[to] = inter[i]
	}
}
