package explain

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Reason is the common statement of some features.
type Reason struct {
	Words    string
	Share    float64  // the sum of the features' shares; a positive share speaks for a bot
	Features []string // by share, the largest first
}

// IsForBot reports whether the reason speaks for a bot.
func (r *Reason) IsForBot() bool { return r.Share > 0 }

// Strength returns an adverb for the factor by which a share moves the odds of a bot.
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

// Keys of groups without a topic.
const (
	absentKeys    = "\x00absent"  // dimensions without any known value
	unknownValues = "\x00unknown" // other unknown features
)

// group is a group of features that becomes one reason.
type group struct {
	key     string
	share   float64
	members []*Feature // by share, the largest first
}

// reasons joins the features with the same topic, in the order of their shares.
func reasons(features []Feature) (all []Reason) {
	for _, g := range groups(features) {
		if g.share != 0 {
			all = append(all, Reason{g.words(), g.share, g.names()})
		}
	}
	slices.SortStableFunc(all, func(a, b Reason) int { return cmp.Compare(math.Abs(b.Share), math.Abs(a.Share)) })
	return all
}

// groups groups the features that moved the output by their topic.
func groups(features []Feature) (all []*group) {
	absent := absentDimensions(features)
	for i := range features {
		f := &features[i]
		if f.Share == 0 {
			continue
		}
		key := f.catalog.phrase.Topic
		if f.Value != f.Value {
			key = unknownValues
			if absent[f.catalog.dimension] {
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

// absentDimensions reports for each dimension whether all of its values are unknown.
func absentDimensions(features []Feature) (absent [traffic.NumDimensions + 1]bool) {
	for d := range traffic.NumDimensions {
		absent[d] = true
	}
	for _, f := range features {
		if f.Value == f.Value {
			absent[f.catalog.dimension] = false
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

// words describes what the members have in common.
func (g *group) words() string {
	switch g.key {
	case absentKeys:
		return "nothing is known of " + list(g.distinct(func(f *Feature) string { return f.catalog.subject() }), " or ")
	case unknownValues:
		return "what is not known of " + list(g.distinct(func(f *Feature) string { return f.catalog.subject() }), " and ") + ": " +
			list(g.distinct(func(f *Feature) string { return f.catalog.phrase.Topic }), " and ")
	}
	return g.sentence()
}

// distinct returns the text of each member, without duplicates.
func (g *group) distinct(text func(*Feature) string) (all []string) {
	for _, f := range g.members {
		if value := text(f); !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all
}

// maxListed is the number of items in a reason's list.
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

// sentence is about the member that moved the output most in the direction of the reason, and a
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
	const longest = 110 // bytes, for a line to read at a glance
	words := first.Words
	switch {
	case second == nil:
		return words
	case first.catalog.subject() == second.catalog.subject():
		words += ", and " + second.catalog.predicate(second.Value)
	default:
		words += "; " + second.Words
	}
	if len(words) > longest {
		return first.Words
	}
	return words
}

// addsTo reports whether f says something new after first, and counts at least half as much. The
// same share of 404 and of 4xx, or the same number of requests in two windows, is not new.
func (f *Feature) addsTo(first *Feature) bool {
	return f.catalog.stem != first.catalog.stem && f.Value != first.Value && 2*math.Abs(f.Share) >= math.Abs(first.Share)
}
