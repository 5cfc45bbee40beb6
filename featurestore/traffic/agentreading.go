package traffic

import "bytes"

// reading is what one pass over a user agent finds.
type reading struct {
	text  []byte // as sent, at most maxUserAgent
	seen  uint64 // marks, as bits
	ends  [numAgentMarks]uint16
	open  int     // opening less closing brackets
	odd   bool    // a byte is not printable ASCII
	first product // the first product that not every browser names
	other product // the same, outside of comments
}

// product is a name/version of a user agent.
type product struct {
	found bool
	major int
}

// read fills r from its text.
func (r *reading) read() {
	search := agentMatcher.Search(r.text)
	harmless := -1
	for word, end, ok := search.Next(); ok; word, end, ok = search.Next() {
		mark := agentMeanings[word].mark
		switch {
		case mark == markHarmless:
			harmless = end
			continue
		case end == harmless:
			continue
		case mark == markAt && isDomain(r.text[end:]):
			mark = markCrawler
		case mark == markLibrary && end == agentMeanings[word].length: // it names no app
			mark = markTool
		case mark == markLibrary:
			mark = markDevice
		}
		if !r.has(mark) {
			r.seen |= 1 << mark
			r.ends[mark] = uint16(end)
		}
	}
	const app = 1<<markAndroid | 1<<markIPhone | 1<<markIPad | 1<<markDevice
	if r.has(markSite) && r.seen&app == 0 {
		r.seen |= 1 << markCrawler
	}
	r.products()
}

// isDomain reports whether text begins with a domain name: a word, a dot and a letter, as the
// address of a person to complain to has behind its at sign.
func isDomain(text []byte) bool {
	for i, c := range text {
		if c == '.' {
			return i > 0 && i+1 < len(text) && !('0' <= text[i+1] && text[i+1] <= '9') &&
				isLetterOrDigit(text[i+1])
		}
		if !isLetterOrDigit(c) && c != '-' {
			return false
		}
	}
	return false
}

func (r *reading) has(mark agentMark) bool { return r.seen>>mark&1 == 1 }

// number returns the number that begins behind a mark, after blanks; 0 where there is none.
func (r *reading) number(mark agentMark) int {
	at := int(r.ends[mark])
	for at < len(r.text) && (r.text[at] == ' ' || r.text[at] == '/') {
		at++
	}
	return leadingNumber(r.text[at:])
}

// products looks for names with versions that are not of the common frame, and at what is between
// them.
func (r *reading) products() {
	for i, c := range r.text {
		switch {
		case c == '(':
			r.open++
		case c == ')':
			r.open--
		case c < ' ' || c > '~':
			r.odd = true
		case c == '/':
			if r.first.found && (r.other.found || r.open > 0) {
				continue
			}
			if name := nameBefore(r.text, i); len(name) > 0 && !isCommonProduct(name) {
				p := product{true, leadingNumber(bytes.TrimPrefix(r.text[i+1:], []byte("v")))}
				if !r.first.found {
					r.first = p
				}
				if r.open <= 0 && !r.other.found {
					r.other = p
				}
			}
		}
	}
}

// nameBefore returns the word that ends at a place.
func nameBefore(text []byte, at int) []byte {
	from := at
	for from > 0 && (isLetterOrDigit(text[from-1]) || text[from-1] == '-' || text[from-1] == '_' ||
		text[from-1] == '.') {
		from--
	}
	return text[from:at]
}

func isLetterOrDigit(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }

// isCommonProduct reports whether nearly every browser names the product, or it is the device.
func isCommonProduct(name []byte) bool {
	switch string(name) {
	case "Mozilla", "AppleWebKit", "KHTML", "Gecko", "Chrome", "Safari", "Version", "Mobile",
		"Build", "Firefox":
		return true
	}
	return false
}

// browser returns the family and its major version.
func (r *reading) browser() (family, major int) {
	for _, b := range browserMarks {
		if r.has(b.mark) {
			return b.family, r.number(b.mark)
		}
	}
	chrome, safari := r.has(markChrome), r.has(markSafari)
	switch {
	case chrome && safari && r.other.found:
		return browserOther, r.other.major
	case chrome:
		return browserChrome, r.number(markChrome)
	case safari && r.has(markVersion) && !r.has(markAndroid):
		return browserSafari, r.number(markVersion)
	case safari && !r.has(markAndroid):
		return browserSafari, r.number(markSafari)
	case r.has(markTrident7):
		return browserExplorer, 11
	case r.hasEngine() && r.has(markVersion):
		return browserOther, r.number(markVersion)
	case r.hasEngine():
		return browserOther, r.first.major
	}
	return browserNone, r.first.major
}

// browserMarks are browsers that name themselves beside Chrome and Safari, in the order in which
// one is believed before another.
var browserMarks = [...]struct {
	mark   agentMark
	family int
}{
	{markOperaMini, browserOpera}, {markOpera, browserOpera}, {markChromeIOS, browserChrome},
	{markFirefox, browserFirefox}, {markVivaldi, browserOther},
	{markExplorer, browserExplorer}, {markEdge, browserEdge}, {markSamsung, browserSamsung},
	{markHeadlessChrome, browserChrome}, {markInApp, browserInApp},
}

func (r *reading) hasEngine() bool {
	return r.seen&(1<<markEngine|1<<markGecko|1<<markWebKit|1<<markExplorer|1<<markTrident7|1<<markLikeGecko) != 0
}

// system returns the operating system and its major version.
func (r *reading) system() (family, major int) {
	switch {
	case r.has(markAndroid):
		return osAndroid, r.number(markAndroid)
	case r.has(markIPhone), r.has(markIPad):
		return osIOS, r.number(markSystemX)
	case r.has(markWindows):
		return osWindows, r.number(markWindows)
	case r.has(markWindowsPhone):
		return osOther, r.number(markWindowsPhone)
	case r.has(markMacintosh):
		return osMacOS, r.number(markSystemX)
	case r.has(markLinux):
		return osLinux, 0
	case r.has(markOtherOS):
		return osOther, 0
	case r.has(markChromeOS):
		return osChromeOS, 0
	}
	return osNone, 0
}

func (r *reading) isMobile() bool {
	return r.seen&(1<<markMobile|1<<markAndroid|1<<markIPhone|1<<markIPad|1<<markWindowsPhone|1<<markOperaMini) != 0
}

// isProgram reports whether a user agent is that of neither a browser, an app of a telephone nor a
// device. What begins like a browser's must have an engine, or be of a time before them.
func (r *reading) isProgram() bool {
	if r.hasEngine() || r.has(markDevice) {
		return false
	}
	if bytes.HasPrefix(r.text, []byte("Mozilla/")) {
		return true
	}
	const systems = 1<<markAndroid | 1<<markIPhone | 1<<markIPad | 1<<markWindows |
		1<<markWindowsPhone | 1<<markMacintosh
	return r.seen&systems == 0
}
