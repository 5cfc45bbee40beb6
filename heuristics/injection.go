package heuristics

import (
	"bytes"
	"slices"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/base/wordmatch"
)

// attackMatcher finds the marks of attackMarks, and attackWords has the level of each.
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

// climbs reports whether a path has a segment of two dots, which a browser resolves before it sends
// a request. Attackers write something behind the dots, or more dots, for a server to cut off;
// three dots begin a title.
func climbs(path []byte) bool {
	for at := 0; ; {
		i := bytes.Index(path[at:], []byte("/.."))
		if i < 0 {
			return false
		}
		at += i + len("/..")
		rest := bytes.TrimLeft(path[at:], ".")
		if dots := len(path[at:]) - len(rest); dots == 0 ||
			dots > 1 && (len(rest) == 0 || rest[0] == '/') {
			return true
		}
	}
}

func hasNull(path []byte) bool { return bytes.IndexByte(path, 0) >= 0 }

// has reports whether text has a mark that counts at a level, anywhere or inHeaders. Marks of SQL
// only count in parameters.
func has(plain []byte, place level) bool {
	search := attackMatcher.Search(plain)
	for word, _, ok := search.Next(); ok; word, _, ok = search.Next() {
		if l := attackWords[word].level; l == anywhere || l == inHeaders && place == inHeaders {
			return true
		}
	}
	return false
}

// RequestFacts returns [traffic.FactInjected] if the query, the Referer or the user agent of a
// request has an attack, else 0. For other header fields, which a log does not have, see
// [FieldFacts].
func RequestFacts(query, referer, agent string) traffic.Facts {
	if query != "" && injectedQuery(query) || isInjected(referer, suspectReferer, anywhere) ||
		isInjected(agent, suspectAgent, inHeaders) {
		return traffic.FactInjected
	}
	return 0
}

// FieldFacts returns [traffic.FactInjected] if a header field has an attack, else 0. It skips the
// Referer and the user agent, which are for [RequestFacts]. In a cookie only what no site stores
// there counts.
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

// isInjected reports whether a header field has an attack. It searches only fields that are
// suspect: most are not.
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

// suspectField reports whether a field has what begins a lookup, a substitution of commands or a
// function.
func suspectField(value string) bool {
	return strings.IndexByte(value, '$') >= 0 || strings.IndexByte(value, '`') >= 0 || strings.Contains(value, "() {")
}

// suspectReferer reports whether a Referer has bytes that addresses of pages seldom have.
func suspectReferer(referer string) bool { return strings.ContainsAny(referer, refererBytes) }

// suspectAgent reports whether a user agent has what those of browsers do not have.
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

// usualAgents are user agents like those of most requests.
const usualAgents = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML,
	like Gecko) Version/18.3 Safari/605.1.15
Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML,
	like Gecko) Version/18.3 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML,
	like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/141.0.7390.122 Safari/537.36`

// injectedQuery reports whether a parameter in the first MaxText bytes of a query has an attack.
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
	t.set(query) // two ampersands join commands
	t.decode()
	t.smooth()
	return has(t.plain(), anywhere)
}

// plainParameter reports whether a parameter has only letters, digits, hyphens and equals signs, and is not a command. Most are plain.
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

// injectedParameter reports whether a parameter, usually name=value, has an attack.
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

// lastName returns the innermost name of a parameter: q of filter[q].
func lastName(name []byte) []byte {
	name = bytes.TrimRight(name, "[]")
	return name[bytes.LastIndexByte(name, '[')+1:]
}

// endsValue reports whether the beginning of a value ends the literal around it in a statement of SQL: with a quote or a bracket or, in what no person writes, with a number. People search for "words" in quotes: behind double quotes only a short word counts, which a condition must follow.
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

// isExpression reports whether a statement follows words of SQL: a comparison of two constants or a
// call after words that join conditions, anything after others.
func isExpression(word, after []byte) bool {
	switch trimmed := bytes.Trim(word, " ('\""); {
	case len(trimmed) <= len("and") || bytes.EqualFold(trimmed, []byte("rlike")) ||
		bytes.EqualFold(trimmed, []byte("having")):
		return isComparison(after) || isCall(after)
	case len(trimmed) > 3 && bytes.EqualFold(trimmed[len(trimmed)-3:], []byte(" by")):
		digits := bytes.TrimLeft(after, " (")
		rest := bytes.TrimLeft(bytes.TrimLeft(digits, "0123456789"), " )")
		return len(rest) < len(digits) && (len(rest) == 0 ||
			bytes.IndexByte([]byte("-#,"), rest[0]) >= 0)
	}
	return true
}

// isComparison reports whether text is a constant, an operator and a constant: 1=1, 'a'='a, "x"
// like "x, 5*5=25.
func isComparison(text []byte) bool {
	text = bytes.TrimLeft(text, " ('\"")
	n := 0
	for n < len(text) && (isLetterOrDigit(text[n]) || text[n] == '*' || text[n] == '-' ||
		text[n] == '+') {
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
	return rest[0] == '=' || rest[0] == '<' || rest[0] == '>' ||
		bytes.HasPrefix(bytes.ToLower(rest[:min(len(rest), 5)]), []byte("like "))
}

// sqlCalls are functions of blind attacks.
var sqlCalls = []string{"sleep", "benchmark", "pg_sleep", "extractvalue", "updatexml", "ascii",
	"substr", "substring", "char", "length", "if", "exists", "select", "mid", "ord", "not", "count"}

func isCall(text []byte) bool {
	text = bytes.TrimLeft(text, " (")
	n := 0
	for n < len(text) && (isLetterOrDigit(text[n]) || text[n] == '_') {
		n++
	}
	rest := bytes.TrimLeft(text[n:], " ")
	return n > 0 && len(rest) > 0 && (rest[0] == '(' && isIn(text[:n], sqlCalls) ||
		bytes.EqualFold(text[:n], []byte("select")))
}

// isQuoted reports whether a value tries a quote: a number, or a name, with a quote at the end or
// before a comment of SQL.
func isQuoted(name, value []byte) bool {
	at := bytes.IndexAny(value, "'\"")
	if at <= 0 {
		return false
	}
	rest := bytes.TrimLeft(value[at+1:], " )'\"")
	if comment := bytes.TrimLeft(rest, "- "); len(rest) >= 2 && len(comment) == 0 ||
		bytes.Equal(rest, []byte("#")) {
		return true
	}
	return len(rest) == 0 && isNumber(value[:at]) &&
		bytes.HasSuffix(bytes.ToLower(bytes.TrimRight(name, "=")), []byte("id"))
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
