package heuristics

import (
	"bytes"
	"slices"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/wordmatch"
)

// attackMatcher finds the marks of attackMarks, and attackWords tells what each is.
var attackMatcher, attackWords = func() (*wordmatch.Matcher, []attackWord) {
	var words []wordmatch.Word
	var all []attackWord
	for _, kind := range attackMarks {
		for _, mark := range strings.Fields(kind.marks) {
			mark = strings.ReplaceAll(mark, "~", " ")
			w := wordmatch.Word{Text: mark}
			if cut, ok := strings.CutSuffix(mark, "$"); ok {
				w = wordmatch.Word{Text: cut, End: true}
			}
			words, all = append(words, w), append(all, attackWord{kind.level, len(w.Text)})
		}
	}
	return wordmatch.New(words), all
}()

type attackWord struct {
	level  level
	length int
}

// climbs reports a segment of two dots: a browser resolves those before it asks. What is written behind the dots, or more of
// them, is there to be cut off; three dots begin a title.
func climbs(path []byte) bool {
	for at := 0; ; {
		i := bytes.Index(path[at:], []byte("/.."))
		if i < 0 {
			return false
		}
		at += i + len("/..")
		rest := bytes.TrimLeft(path[at:], ".")
		if dots := len(path[at:]) - len(rest); dots == 0 || dots > 1 && (len(rest) == 0 || rest[0] == '/') {
			return true
		}
	}
}

func hasNull(path []byte) bool { return bytes.IndexByte(path, 0) >= 0 }

// has reports a mark that counts in this place, which is anywhere or inHeaders. Those of SQL are for parameters.
func has(plain []byte, place level) bool {
	search := attackMatcher.Search(plain)
	for word, _, ok := search.Next(); ok; word, _, ok = search.Next() {
		if l := attackWords[word].level; l == anywhere || l == inHeaders && place == inHeaders {
			return true
		}
	}
	return false
}

// RequestFacts returns what the query, the Referer and the user agent of a request tell of an attack: [traffic.FactInjected], or
// nothing. An empty one was not sent. The fields of the header that a log does not keep are for [FieldFacts].
func RequestFacts(query, referer, agent string) traffic.Facts {
	if query != "" && injectedQuery(query) || isInjected(referer, suspectReferer, anywhere) || isInjected(agent, suspectAgent, inHeaders) {
		return traffic.FactInjected
	}
	return 0
}

// FieldFacts returns [traffic.FactInjected] where a field of the header holds an attack. The Referer and the user agent are for
// [RequestFacts]; of a cookie, which is whatever the site stored there, only what no site stores counts.
func FieldFacts(name, value string) traffic.Facts {
	place := inHeaders
	switch name {
	case "Referer", "User-Agent":
		return 0
	case "Cookie":
		place = anywhere
	}
	if isInjected(value, suspectField, place) {
		return traffic.FactInjected
	}
	return 0
}

// isInjected looks at a field of the header, where suspect says that it may hold anything at all: most are passed over quickly.
func isInjected(value string, suspect func(string) bool, place level) bool {
	value = value[:min(len(value), MaxText)]
	if !suspect(value) {
		return false
	}
	var buffer [MaxText]byte
	t := text{bytes: buffer[:]}
	t.set(value)
	t.decode()
	t.smooth()
	return has(t.plain(), place)
}

// suspectField reports what begins a lookup, a substitution of commands or a function.
func suspectField(value string) bool {
	return strings.IndexByte(value, '$') >= 0 || strings.IndexByte(value, '`') >= 0 || strings.Contains(value, "() {")
}

// suspectReferer reports bytes that the address of a page seldom has.
func suspectReferer(referer string) bool { return strings.ContainsAny(referer, refererBytes) }

// suspectAgent reports what the user agents of browsers do not have.
func suspectAgent(agent string) bool {
	return agentFilter.MayHold(agent) && (strings.ContainsAny(agent, agentBytes) ||
		slices.ContainsFunc(agentParts, func(part string) bool { return strings.Contains(agent, part) }))
}

const (
	refererBytes = "$%<>`{|;('\""
	agentBytes   = "$`{|<%\"'&"
)

var (
	agentParts  = []string{"/bin/", "/etc/", "cat /", "wget ", "curl ", "ping ", "nslookup ", "/tmp;", "java.lang", "class."}
	agentFilter = wordmatch.NewFilter(slices.Concat(strings.Split(agentBytes, ""), agentParts), usualAgents)
)

// usualAgents are what most requests come with.
const usualAgents = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15
Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/141.0.7390.122 Safari/537.36`

// injectedQuery looks at each parameter of the beginning of a query.
func injectedQuery(query string) bool {
	query = query[:min(len(query), MaxText)]
	var buffer [MaxText]byte
	t, plain := text{bytes: buffer[:]}, true
	for rest := query; rest != ""; {
		var parameter string
		parameter, rest, _ = strings.Cut(rest, "&")
		if plainParameter(parameter) {
			continue
		}
		plain = false
		t.set(parameter)
		t.decode()
		t.smooth()
		if injectedParameter(t.plain()) {
			return true
		}
	}
	if plain || !strings.Contains(query, "&&") {
		return false
	}
	t.set(query) // what ampersands divide may belong together: two join commands
	t.decode()
	t.smooth()
	return has(t.plain(), anywhere)
}

// plainParameter reports quickly that there is nothing in a parameter but letters, digits and what stands between them, as in
// most. A command is no more than that.
func plainParameter(parameter string) bool {
	for _, command := range [...]string{"cmd=", "exec=", "todo="} {
		if strings.HasPrefix(parameter, command) {
			return false
		}
	}
	dots := 0
	for i := range len(parameter) {
		switch c := parameter[i]; {
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z', c == '-', c == '=':
		case c == '.':
			dots++
		default:
			return false
		}
	}
	return dots == 0
}

// injectedParameter looks at one parameter, name=value, or what stands in its place.
func injectedParameter(parameter []byte) bool {
	begin := bytes.IndexByte(parameter, '=') + 1
	written := begin > 0 && isIn(lastName(parameter[:begin-1]), writtenByPeople)
	steps := 0
	search := attackMatcher.Search(parameter)
	for word, end, ok := search.Next(); ok; word, end, ok = search.Next() {
		w := attackWords[word]
		switch w.level {
		case anywhere:
			return true
		case inHeaders, inParameters:
			if !written {
				return true
			}
		case climbing:
			steps++
		case afterQuote:
			if from := end - w.length; from >= begin && endsValue(parameter[begin:from], written, w.length) && isExpression(parameter[from:end], parameter[end:]) {
				return true
			}
		}
	}
	return steps >= 3 || steps >= 2 && !written || isQuoted(parameter[:begin], parameter[begin:])
}

// lastName returns the name of a parameter without what frameworks put around it: filter[q] is q.
func lastName(name []byte) []byte {
	name = bytes.TrimRight(name, "[]")
	return name[bytes.LastIndexByte(name, '[')+1:]
}

// endsValue reports whether the beginning of a value ends what a statement of SQL has around it: with a quote or a bracket, or,
// where no person wrote it, with a number. People search for "words" in quotes, so that behind double ones only a short word
// counts, of which a condition must follow.
func endsValue(before []byte, written bool, length int) bool {
	before = bytes.TrimRight(before, " (")
	if len(before) == 0 {
		return false
	}
	if inner := bytes.TrimRight(before, " )"); len(inner) > 0 && inner[len(inner)-1] == '\'' {
		return true
	}
	switch before[len(before)-1] {
	case '"', '`':
		return !written || length <= len("and ")
	case ')', ';':
		return !written
	}
	return !written && isNumeric(before)
}

func isNumeric(text []byte) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && c != '-' && c != '.' && c != ' ' {
			return false
		}
	}
	return true
}

// isExpression reports whether words of SQL have behind them what makes a statement: a comparison of two constants or a call
// for those that join conditions, anything for the others.
func isExpression(word, after []byte) bool {
	switch trimmed := bytes.Trim(word, " ('\""); {
	case len(trimmed) <= len("and") || bytes.EqualFold(trimmed, []byte("rlike")) || bytes.EqualFold(trimmed, []byte("having")):
		return isComparison(after) || isCall(after)
	case len(trimmed) > 3 && bytes.EqualFold(trimmed[len(trimmed)-3:], []byte(" by")):
		digits := bytes.TrimLeft(after, " (")
		rest := bytes.TrimLeft(bytes.TrimLeft(digits, "0123456789"), " )")
		return len(rest) < len(digits) && (len(rest) == 0 || bytes.IndexByte([]byte("-#,"), rest[0]) >= 0)
	}
	return true
}

// isComparison reports a constant, an operator and another one: 1=1, 'a'='a, "x" like "x, 5*5=25.
func isComparison(text []byte) bool {
	text = bytes.TrimLeft(text, " ('\"")
	n := 0
	for n < len(text) && (isLetterOrDigit(text[n]) || text[n] == '*' || text[n] == '-' || text[n] == '+') {
		n++
	}
	first, rest := text[:n], bytes.TrimLeft(text[n:], " )'\"")
	quoted := len(rest) < len(text)-n && n < len(text) && (text[n] == '\'' || text[n] == '"')
	if n == 0 && len(text) > 0 && text[0] == '=' { // ''='
		return true
	}
	if n == 0 || len(rest) == 0 || !quoted && (first[0] < '0' || first[0] > '9') {
		return false
	}
	return rest[0] == '=' || rest[0] == '<' || rest[0] == '>' || bytes.HasPrefix(bytes.ToLower(rest[:min(len(rest), 5)]), []byte("like "))
}

// sqlCalls are functions that blind attacks ask by.
var sqlCalls = []string{"sleep", "benchmark", "pg_sleep", "extractvalue", "updatexml", "ascii", "substr", "substring", "char", "length", "if", "exists", "select", "mid", "ord", "not", "count"}

func isCall(text []byte) bool {
	text = bytes.TrimLeft(text, " (")
	n := 0
	for n < len(text) && (isLetterOrDigit(text[n]) || text[n] == '_') {
		n++
	}
	rest := bytes.TrimLeft(text[n:], " ")
	return n > 0 && len(rest) > 0 && (rest[0] == '(' && isIn(text[:n], sqlCalls) || bytes.EqualFold(text[:n], []byte("select")))
}

// isQuoted reports a value that tries what a quote does: a number, or a name, with a quote behind it at the end or before a
// comment of SQL.
func isQuoted(name, value []byte) bool {
	at := bytes.IndexAny(value, "'\"")
	if at <= 0 {
		return false
	}
	rest := bytes.TrimLeft(value[at+1:], " )'\"")
	if comment := bytes.TrimLeft(rest, "- "); len(rest) >= 2 && len(comment) == 0 || bytes.Equal(rest, []byte("#")) {
		return true
	}
	return len(rest) == 0 && isNumber(value[:at]) && bytes.HasSuffix(bytes.ToLower(bytes.TrimRight(name, "=")), []byte("id"))
}

func isNumber(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

func isLetterOrDigit(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }
