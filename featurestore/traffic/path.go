package traffic

import "strings"

// PathKind is what a path seems to ask for, told from the path alone.
type PathKind uint8

// The kinds of path.
const (
	PathPage   PathKind = iota // a document: no extension, or one of documents
	PathAsset                  // what a browser fetches to show a page: style, script, picture, font, media
	PathAPI                    // a call from a program: /api/, /graphql, .json
	PathScript                 // a server-side script by its extension: .php, .asp, .cgi
	PathRobots                 // what only programs read: robots.txt, sitemaps, .well-known
	NumPathKinds
)

// ClassifyPath tells the kind of path, which has no query.
func ClassifyPath(path string) PathKind {
	name := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case name == "robots.txt", name == "ads.txt", strings.HasPrefix(name, "sitemap"), strings.HasPrefix(path, "/.well-known/"):
		return PathRobots
	case strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/graphql"), strings.HasSuffix(name, ".json"):
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
	case "css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "bmp", "woff", "woff2", "ttf", "otf", "eot",
		"mp3", "mp4", "webm", "ogg", "wav", "webmanifest", "wasm":
		return PathAsset
	case "php", "php5", "php7", "phtml", "asp", "aspx", "ashx", "jsp", "jspx", "do", "action", "cgi", "pl", "cfm":
		return PathScript
	}
	return PathPage
}

// SplitTarget divides the target of a request line, or of HTTP/2's :path, into what an event has as its path and the query
// behind the first question mark. The bytes are those that were sent, escapes included, so that a log that keeps the
// request line tells the same path as a proxy saw. Of the absolute form, http://host/path, scheme and host are left out;
// "*" and the authority of a CONNECT stay.
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
