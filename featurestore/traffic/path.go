package traffic

import "strings"

// PathKind is what a request seems to be for, by its path alone.
type PathKind uint8

// The kinds of path.
const (
	PathPage PathKind = iota // a document: no extension, or one of documents
	// what a browser fetches to show a page: style, script, picture, font, media
	PathAsset
	PathAPI    // a call from a program: /api/, /graphql, .json
	PathScript // a server-side script by its extension: .php, .asp, .cgi
	PathRobots // what only programs read: robots.txt, sitemaps, .well-known
	NumPathKinds
)

// ClassifyPath returns the kind of a path without a query.
func ClassifyPath(path string) PathKind {
	name := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case name == "robots.txt", name == "ads.txt", strings.HasPrefix(name, "sitemap"),
		strings.HasPrefix(path, "/.well-known/"):
		return PathRobots
	case strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/graphql"),
		strings.HasSuffix(name, ".json"):
		return PathAPI
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot > len(".webmanifest") {
		return PathPage
	}
	return classifyExtension(name[dot+1:])
}

func classifyExtension(ext string) PathKind {
	var lower [len("webmanifest")]byte
	n := copy(lower[:], ext)
	for i := range n {
		if c := lower[i]; 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	switch string(lower[:n]) {
	case "css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico",
		"bmp", "woff", "woff2", "ttf", "otf", "eot",
		"mp3", "mp4", "webm", "ogg", "wav", "webmanifest", "wasm":
		return PathAsset
	case "php", "php5", "php7", "phtml", "asp", "aspx", "ashx", "jsp", "jspx", "do", "action",
		"cgi", "pl", "cfm":
		return PathScript
	}
	return PathPage
}

// SplitTarget divides the target of a request line, or of HTTP/2's :path, into what an event has as
// its path and the query behind the first question mark. Escapes stay as sent, so that a proxy and
// a log of request lines have the same path. The absolute form, http://host/path, loses scheme and
// host; "*" and the authority of a CONNECT stay.
func SplitTarget(target string) (path, query string) {
	path, query, _ = strings.Cut(target, "?")
	if strings.HasPrefix(path, "/") {
		return path, query
	}
	if _, rest, ok := strings.Cut(path, "://"); ok {
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			return rest[slash:], query
		}
		return "/", query
	}
	return path, query
}
