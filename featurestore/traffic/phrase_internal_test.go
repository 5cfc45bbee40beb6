package traffic

import (
	"strings"
	"testing"
)

// Every feature has words, and all words are some feature's.
func TestPhrasesFitTheCatalogs(t *testing.T) {
	used := make(map[string]bool)
	for _, f := range Catalog() {
		used[f.Stem()] = true
		p, ok := f.Phrase()
		if !ok {
			t.Errorf("feature %s has no words for headgate explain: add an entry %q to interPhrases in phrases.go", f.FullName(), f.Stem())
			continue
		}
		p.check(t, f.FullName(), f.Unit)
	}
	for stem := range interPhrases {
		if !used[stem] {
			t.Errorf("the words %q of interPhrases are no feature's: remove them", stem)
		}
	}
	used = make(map[string]bool)
	for _, f := range RequestCatalog {
		used[f.Name] = true
		p, ok := f.Phrase()
		if !ok {
			t.Errorf("feature %s has no words for headgate explain: add an entry %q to requestPhrases in phrases.go", f.FullName(), f.Name)
			continue
		}
		p.check(t, f.FullName(), f.Unit)
	}
	for name := range requestPhrases {
		if !used[name] {
			t.Errorf("the words %q of requestPhrases are no feature's: remove them", name)
		}
	}
}

// check holds a phrase to its unit: a bool has words for 0, a code has words for its codes, and any
// other value is told.
func (p Phrase) check(t *testing.T, feature, unit string) {
	t.Helper()
	values := strings.Count(p.Text, PhraseValue)
	switch {
	case p.Topic == "" || p.Text == "" == (p.Codes == nil):
		t.Errorf("%s: the words need a topic, and either a text or codes: %+v", feature, p)
	case unit == "bool" && (p.Zero == "" || values != 0):
		t.Errorf("%s: the words of a bool need a text for 1 and one for 0, without %s: %+v", feature, PhraseValue, p)
	case unit != "bool" && p.Codes == nil && values != 1 || strings.Contains(p.Zero, PhraseValue):
		t.Errorf("%s: the words need one %s, where the value is not 0: %+v", feature, PhraseValue, p)
	}
}

func TestStem(t *testing.T) {
	for name, want := range map[string]string{"requests_10s": "requests", "usual_asset_share_24h": "usual_asset_share", "gap_min": "gap_min",
		"peak_requests_10s": "peak_requests", "tls_h2": "tls_h2", "last_s": "last_s", "a_1x": "a_1x", "10m": "10m"} {
		if got := (Feature{Name: name}).Stem(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
