package heuristics

import (
	"bytes"
	"strings"

	"github.com/headgate/headgate/internal/wordmatch"
)

// pathMatcher finds the patterns of damningPaths, and pathPatterns tells what each asks for.
var pathMatcher, pathPatterns = func() (*wordmatch.Matcher, []pathPattern) {
	var words []wordmatch.Word
	var patterns []pathPattern
	for _, kind := range damningPaths {
		for _, written := range strings.Fields(kind.patterns) {
			p := pathPattern{shown: kind.shown}
			written, p.root = strings.CutPrefix(written, "^")
			written, p.last = strings.CutSuffix(written, "!")
			w := wordmatch.Anchored(written)
			p.length = len(w.Text)
			words, patterns = append(words, w), append(patterns, p)
		}
	}
	return wordmatch.New(words), patterns
}()

// pathPattern is where a pattern counts.
type pathPattern struct {
	length int
	root   bool // at the beginning of the path
	last   bool // at its end
	shown  shown
}

// damning reports whether no person asks for a path, which is plain, of a host.
func damning(path []byte, host string) bool {
	if host == "169.254.169.254" { // where clouds tell a machine its credentials: a proxy that is asked for it is abused
		return true
	}
	search := pathMatcher.Search(path)
	for word, end, ok := search.Next(); ok; word, end, ok = search.Next() {
		p := &pathPatterns[word]
		from := end - p.length
		if p.root && from > 0 || p.last && end < len(path) || isShown(p.shown, path[:from]) {
			continue
		}
		return true
	}
	return isForgottenCopy(path, host) || isUploadedScript(path)
}

// isShown reports whether the folders before a file are those under which people see such files: of a forge (GitHub, GitLab,
// Gitea, cgit and others), where owner or project come first, and of an encyclopedia.
func isShown(where shown, folders []byte) bool {
	if where == nowhere {
		return false
	}
	for _, mark := range forgeMarks {
		if at := bytes.Index(folders, mark); at > 0 || at < 0 && len(folders) >= len(mark) && bytes.HasSuffix(folders, mark[:len(mark)-1]) {
			return true
		}
	}
	return where == inWiki && bytes.HasSuffix(folders, []byte("/wiki"))
}

var forgeMarks = [...][]byte{
	[]byte("/blob/"), []byte("/tree/"), []byte("/raw/"), []byte("/blame/"), []byte("/plain/"), []byte("/commits/"), []byte("/-/"),
	[]byte("/src/branch/"), []byte("/src/commit/"), []byte("/src/tag/"), []byte("/browse/"), []byte("/edit/"),
}

// isForgottenCopy reports an archive of the whole site at its root, and a dump of its database, as those are that somebody forgot.
// Downloads lie in folders, or have the names of programs.
func isForgottenCopy(path []byte, host string) bool {
	slash := bytes.LastIndexByte(path, '/')
	folder, name := path[:max(slash, 0)], path[slash+1:]
	dot := bytes.IndexByte(name, '.')
	if dot <= 0 {
		return false
	}
	stem, suffix := bytes.TrimRight(name[:dot], "-_0123456789"), name[dot:]
	root, whole := len(folder) == 0, isOf(stem, wholeSites)
	there := root || isOf(folder[bytes.LastIndexByte(folder, '/')+1:], backupFolders)
	switch {
	case isOf(suffix, dumpSuffixes):
		return there || whole
	case whole && there && isOf(suffix, archiveSuffixes):
		return true
	}
	n := len(host)
	return there && n > 0 && len(name) > n && bytes.EqualFold(name[:n], []byte(host)) && isOf(name[n:], archiveSuffixes)
}

// isUploadedScript reports a script where WordPress keeps the pictures of its pages: nobody links one.
func isUploadedScript(path []byte) bool {
	const uploads = "/wp-content/uploads/"
	at := bytes.Index(path, []byte(uploads))
	return at >= 0 && isOf(path[max(at+len(uploads), bytes.LastIndexByte(path, '.')):], scriptSuffixes)
}

// scriptSuffixes are those that servers are told to run as PHP.
var scriptSuffixes = []string{".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".phtml", ".phtm", ".pht", ".phar", ".hphp"}

// isOf reports whether b is one of the words of a list, which are in lower case, whatever its case.
func isOf(b []byte, list []string) bool {
	for _, word := range list {
		if len(b) == len(word) && bytes.EqualFold(b, []byte(word)) {
			return true
		}
	}
	return false
}
