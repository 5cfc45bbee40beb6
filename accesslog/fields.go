package accesslog

import "bytes"

// fields are the parts of a line, still escaped.
type fields struct {
	addr, user, stamp, request, status, bytes, referer, agent []byte
}

// split finds the parts of a line, or returns why the line is malformed. It does not change the
// line.
func (f *fields) split(line []byte) (reason string) {
	if len(line) == 0 {
		return "the line is empty"
	}
	addr, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return "there is nothing after the first field"
	}
	f.addr = addr

	open := openingQuote(rest)
	if open < 0 {
		return "there is no quoted request"
	}
	if reason := f.splitHead(rest[:open]); reason != "" {
		return reason
	}
	if f.request, rest, ok = quoted(rest[open:]); !ok {
		return "the request has no closing quote"
	}
	return f.splitTail(rest)
}

// openingQuote returns the index of the quote that opens the request. It is the first bare one,
// except that Apache writes an empty user name as "".
func openingQuote(rest []byte) int {
	open := bareQuote(rest)
	if open < 0 || !bytes.HasPrefix(rest[open:], []byte(`"" [`)) {
		return open
	}
	next := bareQuote(rest[open+2:])
	if next < 0 {
		return -1
	}
	return open + 2 + next
}

// splitHead parses the part between the address and the request's quote: `ident user [date] `. It
// finds the date from the end, since its width is fixed and a user name may contain spaces and
// brackets.
func (f *fields) splitHead(head []byte) (reason string) {
	const tail = len(" [") + stampLen + len("] ")
	cut := len(head) - tail
	if cut < 0 || head[cut] != ' ' || head[cut+1] != '[' || head[len(head)-2] != ']' || head[len(head)-1] != ' ' {
		return "there is no [date] in front of the request"
	}
	f.stamp = head[cut+2 : cut+2+stampLen]
	_, user, ok := bytes.Cut(head[:cut], []byte(" "))
	if !ok || len(user) == 0 {
		return "there are less than two fields between address and date"
	}
	if string(user) != `""` {
		f.user = user
	}
	return ""
}

// splitTail parses the part after the request.
func (f *fields) splitTail(tail []byte) (reason string) {
	tail, ok := bytes.CutPrefix(tail, []byte(" "))
	if !ok {
		return "there is no status after the request"
	}
	if f.status, tail, ok = bytes.Cut(tail, []byte(" ")); !ok {
		return "there is no size after the status"
	}
	size, tail, more := bytes.Cut(tail, []byte(" "))
	f.bytes = size
	if !more {
		return "" // the common format ends here
	}
	if f.referer, tail, ok = quoted(tail); !ok {
		return "the referer is not quoted"
	}
	if tail, ok = bytes.CutPrefix(tail, []byte(" ")); !ok {
		return "there is no user agent after the referer"
	}
	if f.agent, tail, ok = quoted(tail); !ok {
		return "the user agent is not quoted"
	}
	if len(tail) > 0 && tail[0] != ' ' {
		return "there is no space after the user agent"
	}
	return ""
}

// quoted returns the content between a quote at the start of b and the next bare one, and the rest
// of b after that quote.
func quoted(b []byte) (content, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	end := bareQuote(b[1:])
	if end < 0 {
		return nil, nil, false
	}
	return b[1 : 1+end], b[2+end:], true
}

// bareQuote returns the index of the first quote of b with an even number of backslashes before it,
// or -1. The runs of backslashes of two quotes don't overlap, so the work is linear in len(b).
func bareQuote(b []byte) int {
	for at := 0; ; at++ {
		next := bytes.IndexByte(b[at:], '"')
		if next < 0 {
			return -1
		}
		at += next
		slashes := 0
		for slashes < at && b[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at
		}
	}
}
