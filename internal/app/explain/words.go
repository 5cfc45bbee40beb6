package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// feature is what the words of a feature depend on.
type feature struct {
	name      string
	known     bool              // computed by this release
	dimension traffic.Dimension // NumDimensions: of the request itself
	stem      string            // name without dimension and window
	unit      unit
	window    time.Duration // 0: not mentioned
	phrase    traffic.Phrase
}

// byName returns the catalogs' features by name.
func byName() map[string]feature {
	all := make(map[string]feature)
	for _, f := range traffic.Catalog() {
		phrase, _ := f.Phrase()
		entry := feature{f.FullName(), true, f.Dimension, f.Stem(), lookUpUnit(f.Unit), 0, phrase}
		if f.Stem() != f.Name {
			entry.window = f.Fold.Window
		}
		if f.Fold.Kind == traffic.FoldExcess {
			entry.unit = units["excess"]
		}
		all[f.FullName()] = entry
	}
	for _, f := range traffic.RequestCatalog {
		phrase, _ := f.Phrase()
		all[f.FullName()] = feature{f.FullName(), true, traffic.NumDimensions, f.Name, lookUpUnit(f.Unit), 0, phrase}
	}
	return all
}

// subjects are the subjects of the phrases, by dimension.
var subjects = [traffic.NumDimensions + 1]string{
	traffic.DimIP:          "the address",
	traffic.DimNet:         "the network",
	traffic.DimNet64:       "the client's own network",
	traffic.DimUserAgent:   "clients with the user agent",
	traffic.DimWire:        "clients with this wire",
	traffic.DimProgramWire: "clients of this program and wire",
	traffic.DimHost:        "the host's clients",
	traffic.DimSession:     "the session",
	traffic.DimIPAgent:     "this agent at the address",
	traffic.NumDimensions:  "the request",
}

// Subject returns the name of a key of dimension d in sentences.
func Subject(d traffic.Dimension) string { return subjects[min(d, traffic.NumDimensions)] }

// subject returns the subject of the feature's sentence.
func (f feature) subject() string {
	if f.phrase.Subject != "" {
		return f.phrase.Subject
	}
	return Subject(f.dimension)
}

// sentence describes a value of the feature.
func (f feature) sentence(value float32) string {
	switch {
	case !f.known:
		return fmt.Sprintf("this release does not compute %s", f.name)
	case value != value:
		return fmt.Sprintf("not known of %s: %s", f.subject(), f.phrase.Topic)
	}
	return f.subject() + " " + f.predicate(value)
}

// predicate returns the sentence without its subject.
func (f feature) predicate(value float32) string {
	text := f.phrase.Text
	if value == 0 && f.phrase.Zero != "" {
		text = f.phrase.Zero
	}
	if code, ok := f.phrase.Codes[int(value)]; ok {
		text = code
	} else if f.phrase.Codes != nil {
		text = "has a code that has no words here: %v"
	}
	formatted := f.unit.format(value)
	text = strings.Replace(text, traffic.PhraseValue, formatted, 1)
	window := ""
	if f.window > 0 {
		window = "in " + formatDuration(f.window.Seconds())
	}
	text = strings.TrimRight(strings.Replace(text, traffic.PhraseWindow, window, 1), " ")
	if strings.HasSuffix(formatted, " 1") || formatted == "1" {
		return strings.NewReplacer("(s)", "", "(es)", "").Replace(text)
	}
	return strings.NewReplacer("(s)", "s", "(es)", "es").Replace(text)
}

// Words describes the value of a feature; it reports false if the catalogs have no such feature.
func Words(name string, value float32) (words string, ok bool) {
	f, ok := catalogued[name]
	if !ok {
		return "", false
	}
	return f.sentence(value), true
}

var catalogued = byName()
