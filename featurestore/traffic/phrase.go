package traffic

import "strings"

// Phrase says in words what the value of a feature means. Each feature of the catalogs has one:
// those between requests in interPhrases, those of a request in requestPhrases. Package
// internal/app/explain inserts the values.
type Phrase struct {
	Topic   string         // noun phrase; features of the same topic make one reason
	Subject string         // empty: the key of the feature's dimension, or the request
	Text    string         // a verb in the past, or in the present of one request
	Zero    string         // instead of Text where the value is 0; for a bool the contrary of Text
	Codes   map[int]string // instead of Text, by the value of a code
}

// Placeholders in the texts of a phrase. "(s)" is an s unless the value is one.
const (
	PhraseValue  = "%v"   // the value, as its unit is written
	PhraseWindow = "{in}" // the feature's window, such as "in 10 min"
)

// Phrase returns the words for the feature; not ok if the catalog has none for its name.
func (f Feature) Phrase() (Phrase, bool) {
	if f.Fold.Kind == FoldAgent {
		p, ok := agentPhrases[f.Fold.Fact]
		return p, ok
	}
	p, ok := interPhrases[f.Stem()]
	return p, ok
}

// Stem returns the name without the window at its end: what is the same in several windows.
func (f Feature) Stem() string {
	if at := strings.LastIndexByte(f.Name, '_'); at > 0 && isWindow(f.Name[at+1:]) {
		return f.Name[:at]
	}
	return f.Name
}

// isWindow reports whether the end of a name is a window: digits and s, m or h.
func isWindow(end string) bool {
	digits := strings.TrimRight(end, "smh")
	return len(digits) == len(end)-1 && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// Phrase returns the words for the feature; not ok if there are none for its name.
func (f RequestFeature) Phrase() (Phrase, bool) {
	for fact := range NumAgentFacts {
		if f.Name == "agent_"+agentFactNames[fact] {
			p, ok := agentPhrases[fact]
			return p, ok
		}
	}
	p, ok := requestPhrases[f.Name]
	return p, ok
}
