package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// feature is what is said of a feature.
type feature struct {
	name      string
	known     bool              // this release has it
	dimension traffic.Dimension // NumDimensions: of the request alone
	stem      string            // of the name, without dimension and window
	unit      unit
	window    time.Duration // 0: none is said
	phrase    traffic.Phrase
}

// byName returns what is said of every feature of the catalogs.
func byName() map[string]feature {
	all := make(map[string]feature)
	for _, f := range traffic.Catalog() {
		phrase, _ := f.Phrase()
		said := feature{f.FullName(), true, f.Dimension, f.Stem(), unitOf(f.Unit), 0, phrase}
		if f.Stem() != f.Name {
			said.window = f.Fold.Window
		}
		if f.Fold.Kind == traffic.Excess {
			said.unit = units["excess"]
		}
		all[f.FullName()] = said
	}
	for _, f := range traffic.RequestCatalog {
		phrase, _ := f.Phrase()
		all[f.FullName()] = feature{f.FullName(), true, traffic.NumDimensions, f.Name, unitOf(f.Unit), 0, phrase}
	}
	return all
}

// subjects are who did what a phrase says, by dimension.
var subjects = [traffic.NumDimensions + 1]string{
	traffic.IP:            "the address",
	traffic.Net:           "the network",
	traffic.Net64:         "the client's own network",
	traffic.UserAgent:     "clients with the user agent",
	traffic.OnWire:        "clients with this wire",
	traffic.ProgramOnWire: "clients of this program and wire",
	traffic.Host:          "the host's clients",
	traffic.Session:       "the session",
	traffic.IPAgent:       "this agent at the address",
	traffic.NumDimensions: "the request",
}

// Subject returns what a key of a dimension is called in sentences.
func Subject(d traffic.Dimension) string { return subjects[min(d, traffic.NumDimensions)] }

// subject returns who the feature is about.
func (f feature) subject() string {
	if f.phrase.Subject != "" {
		return f.phrase.Subject
	}
	return Subject(f.dimension)
}

// sentence says what the value tells.
func (f feature) sentence(value float32) string {
	switch {
	case !f.known:
		return fmt.Sprintf("this release does not compute %s", f.name)
	case value != value:
		return fmt.Sprintf("not known of %s: %s", f.subject(), f.phrase.Topic)
	}
	return f.subject() + " " + f.predicate(value)
}

// predicate says it without the subject.
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
	shown := f.unit.write(value)
	text = strings.Replace(text, traffic.PhraseValue, shown, 1)
	window := ""
	if f.window > 0 {
		window = "in " + shownDuration(f.window.Seconds())
	}
	text = strings.TrimRight(strings.Replace(text, traffic.PhraseWindow, window, 1), " ")
	if strings.HasSuffix(shown, " 1") || shown == "1" {
		return strings.NewReplacer("(s)", "", "(es)", "").Replace(text)
	}
	return strings.NewReplacer("(s)", "s", "(es)", "es").Replace(text)
}

// Words says what the value of a feature of the catalogs tells; not ok if there is no such feature.
func Words(name string, value float32) (words string, ok bool) {
	f, ok := catalogued[name]
	if !ok {
		return "", false
	}
	return f.sentence(value), true
}

var catalogued = byName()
