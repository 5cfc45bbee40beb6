package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The hosts of the property.
const (
	WWW    = "www.demo.test"    // pages and assets, fast
	API    = "api.demo.test"    // fast
	Search = "search.demo.test" // slow: SearchDelay for each search
)

// Hosts lists the hosts of the property.
var Hosts = [...]string{WWW, API, Search}

// SearchDelay is the duration of one search.
const SearchDelay = 1500 * time.Millisecond

// Response is an answer of the property.
type Response struct {
	Status int           // HTTP status
	Bytes  int           // of the body
	Delay  time.Duration // from the request to the answer, at most SearchDelay
}

// Revalidated returns the answer to a request with If-None-Match: nothing ever changes on the
// property, so a 200 becomes a 304 without a body.
func (r Response) Revalidated() Response {
	if r.Status == http.StatusOK {
		r.Status, r.Bytes = http.StatusNotModified, 0
	}
	return r
}

// Respond returns the property's answer. It depends only on the arguments, accepts any strings, and
// is safe for concurrent use. The host has no port; a host that is not in Hosts is answered with
// 421. If the request has a header If-None-Match, the answer is Respond(...).Revalidated().
func Respond(host, method, target string) Response {
	path, _, _ := strings.Cut(target, "?")
	var answer Response
	switch host {
	case WWW:
		answer = respondWWW(method, path, target)
	case API:
		answer = respondAPI(method, path, target)
	case Search:
		answer = respondSearch(method, path, target)
	default:
		answer = Response{Status: http.StatusMisdirectedRequest}
	}
	if method == http.MethodHead {
		answer.Bytes = 0
	}
	return answer
}

func respondWWW(method, path, target string) Response {
	if method == http.MethodPost {
		return respondForm(path, target)
	}
	name, number := splitPath(path)
	known := false
	switch name {
	case "articles":
		known = 0 < number && number <= articles && number%13 != 0 // some were withdrawn
	case "products":
		known = 0 < number && number <= products && number%11 != 0 // some are sold out
	case "static", "fonts", "img":
		return respondAsset(method, path)
	default:
		known = wwwPages[path]
	}
	if !known {
		return notFound(target)
	}
	return allowing(method, Response{http.StatusOK, vary(target, 9_000, 60_000), delay(target, 6, 22)})
}

// respondForm answers a POST. The body does not show whether a password is right, so the state
// parameter of a login decides: one value in 32 is a success. People choose theirs (loginTarget);
// password guessers cannot.
func respondForm(path, target string) Response {
	switch {
	case path == "/login" && hash(target)%32 == 0, path == "/cart", path == "/checkout":
		return Response{http.StatusSeeOther, 0, delay(target, 10, 25)}
	case path == "/login":
		return Response{http.StatusUnauthorized, 2_300, delay(target, 10, 25)}
	}
	return notFound(target)
}

func respondAsset(method, path string) Response {
	for suffix, size := range assetSizes {
		if strings.HasSuffix(path, suffix) {
			return allowing(method, Response{http.StatusOK, vary(path, size/4, size), delay(path, 1, 4)})
		}
	}
	return notFound(path)
}

func respondAPI(method, path, target string) Response {
	name, number := splitPath(strings.TrimPrefix(path, "/v1"))
	switch {
	case method == http.MethodOptions:
		return Response{http.StatusNoContent, 0, delay(target, 1, 3)}
	case method == http.MethodPost && (path == "/v1/messages" || path == "/v1/events"):
		return Response{http.StatusAccepted, 20, delay(target, 3, 10)}
	case strings.HasPrefix(path, "/v1/") && (apiCalls[path] || (name == "products" && 0 < number && number <= products && number%11 != 0)):
		return allowing(method, Response{http.StatusOK, vary(target, 150, 4_000), delay(target, 3, 12)})
	}
	return notFound(target)
}

func respondSearch(method, path, target string) Response {
	switch path {
	case "/search":
		return allowing(method, Response{http.StatusOK, vary(target, 12_000, 45_000), SearchDelay})
	case "/robots.txt":
		return allowing(method, Response{http.StatusOK, 64, delay(target, 1, 3)})
	}
	return notFound(target)
}

// allowing returns answer for GET and HEAD, and 405 for every other method.
func allowing(method string, answer Response) Response {
	if method == http.MethodGet || method == http.MethodHead {
		return answer
	}
	return Response{http.StatusMethodNotAllowed, 160, 2 * time.Millisecond}
}

func notFound(target string) Response {
	return Response{http.StatusNotFound, 1_250, delay(target, 2, 6)}
}

// splitPath splits a path of two segments; number is 0 if the second is not a number.
func splitPath(path string) (name string, number int) {
	name, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok {
		return "", 0
	}
	number, err := strconv.Atoi(rest)
	if err != nil {
		number = 0
	}
	return name, number
}

// vary returns a number in [low, high] that depends only on s.
func vary(s string, low, high int) int {
	return low + int(hash(s)%uint64(high-low+1))
}

// delay returns a duration of low to high milliseconds that depends only on s.
func delay(s string, low, high int) time.Duration {
	return time.Duration(vary(s, low*1000, high*1000)) * time.Microsecond
}

// hash returns the 64-bit FNV-1a hash of s.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
