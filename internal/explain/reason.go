package explain

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Reason is what some features say together.
type Reason struct {
	Words    string
	Share    float64  // the sum of the features' shares; above 0 it speaks for a bot
	Features []string // by share, the largest first
}

// IsForBot reports whether the reason speaks for a bot.
func (r *Reason) IsForBot() bool { return r.Share > 0 }

// Strength says in a word how much a share counts: by what factor it moves the odds of a bot.
func Strength(share float64) string {
	const strong, clear = 4, 1.6
	switch factor := math.Exp(math.Abs(share)); {
	case factor >= strong:
		return "strongly"
	case factor >= clear:
		return "clearly"
	}
	return "slightly"
}

// Keys of groups that are of no topic.
const (
	absentKeys    = "\x00absent"  // keys of which nothing at all is known
	unknownValues = "\x00unknown" // other features that are not known
)

// group is the features that become one reason.
type group struct {
	key     string
	share   float64
	members []*Feature // by share, the largest first
}

// reasons joins the features that say the same. They come in the order of their shares.
func reasons(features []Feature) (all []Reason) {
	for _, g := range groups(features) {
		if g.share != 0 {
			all = append(all, Reason{g.words(), g.share, g.names()})
		}
	}
	slices.SortStableFunc(all, func(a, b Reason) int { return cmp.Compare(math.Abs(b.Share), math.Abs(a.Share)) })
	return all
}

// groups divides the features that moved the output by what they are about.
func groups(features []Feature) (all []*group) {
	absent := absentDimensions(features)
	for i := range features {
		f := &features[i]
		if f.Share == 0 {
			continue
		}
		key := f.said.phrase.Topic
		if f.Value != f.Value {
			key = unknownValues
			if absent[f.said.dimension] {
				key = absentKeys
			}
		}
		at := slices.IndexFunc(all, func(g *group) bool { return g.key == key })
		if at < 0 {
			at = len(all)
			all = append(all, &group{key: key})
		}
		all[at].share += f.Share
		all[at].members = append(all[at].members, f)
	}
	return all
}

// absentDimensions tells of which keys nothing is known.
func absentDimensions(features []Feature) (absent [traffic.NumDimensions + 1]bool) {
	for d := range traffic.NumDimensions {
		absent[d] = true
	}
	for _, f := range features {
		if f.Value == f.Value {
			absent[f.said.dimension] = false
		}
	}
	return absent
}

func (g *group) names() (names []string) {
	for _, f := range g.members {
		names = append(names, f.Name)
	}
	return names
}

// words says what the members have in common.
func (g *group) words() string {
	switch g.key {
	case absentKeys:
		return "nothing is known of " + list(g.each(func(f *Feature) string { return f.said.subject() }), " or ")
	case unknownValues:
		return "what is not known of " + list(g.each(func(f *Feature) string { return f.said.subject() }), " and ") + ": " +
			list(g.each(func(f *Feature) string { return f.said.phrase.Topic }), " and ")
	}
	return g.sentence()
}

// each returns what of says of the members, each once.
func (g *group) each(of func(*Feature) string) (all []string) {
	for _, f := range g.members {
		if text := of(f); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// maxListed is how many things a reason lists.
const maxListed = 3

func list(all []string, last string) string {
	if len(all) > maxListed {
		all = append(slices.Clone(all[:maxListed]), "more")
	}
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	n := len(all) - 1
	return strings.Join(all[:n], ", ") + last + all[n]
}

// sentence is that of the member that moved the output most to the side where the reason is, and of a
// second one that adds to it.
func (g *group) sentence() string {
	var first, second *Feature
	for _, f := range g.members {
		switch sameSide := f.Share > 0 == (g.share > 0); {
		case !sameSide:
		case first == nil:
			first = f
		case second == nil && f.addsTo(first):
			second = f
		}
	}
	const longest = 110 // bytes, for a line that people read at a glance
	words := first.Words
	switch {
	case second == nil:
		return words
	case first.said.subject() == second.said.subject():
		words += ", and " + second.said.predicate(second.Value)
	default:
		words += "; " + second.Words
	}
	if len(words) > longest {
		return first.Words
	}
	return words
}

// addsTo reports whether f says something that first does not, and counts at least half as much. The same
// share of 404 and of 4xx, say, or the same number of requests in two windows, is no news.
func (f *Feature) addsTo(first *Feature) bool {
	return f.said.stem != first.said.stem && f.Value != first.Value && 2*math.Abs(f.Share) >= math.Abs(first.Share)
}
