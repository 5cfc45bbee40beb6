package traffic

import (
	"strings"

	"github.com/dgryski/go-metro"
)

// A page is remembered as 16 bits, in an event as the page that its Referer names and in a client's
// row as one that it fetched. One in 4,096 links to pages that a client never fetched looks
// followed.

// SetLink stores the page that a Referer of the request's own host names by its path.
func (s Sums) SetLink(e *Event, path string) {
	if path == "" {
		path = "/"
	}
	path, sum := s.cut(path, MaxPath)
	e.Link = hashPage(path, sum)
}

// hashPage returns the 16 bits of a page, of which an event has the path and, where that was cut,
// the hash of the whole.
func hashPage(path string, sum uint64) uint16 {
	return max(1, uint16(metro.Hash64Str(path, sum)>>48))
}

// pageAt returns the 16 bits of a page of a host.
func pageAt(page uint16, host uint64) uint16 {
	if page == 0 {
		return 0
	}
	h := (uint64(page) ^ host) * 0x9e3779b97f4a7c15
	return max(1, uint16((h^h>>29)*0xbf58476d1ce4e5b9>>48))
}

// SplitReferer returns the host of a URL, with its port, and the path without the query, as
// written. Both are empty if referer is not a URL with a host.
func SplitReferer(referer string) (host, path string) {
	_, rest, ok := strings.Cut(referer, "://")
	if !ok {
		return "", ""
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, path = rest[:end], rest[end:]
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	return host[strings.LastIndexByte(host, '@')+1:], path
}
