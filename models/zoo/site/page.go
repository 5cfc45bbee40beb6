package site

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// page is what a site's template is filled with.
type page struct {
	Title    string
	Styles   []string
	Scripts  []string
	Images   []string
	Links    []link
	Text     []string
	Forms    []form
	Frames   []string
	Settings settings // for the script
	Feed     string
	Status   int
}

type link struct {
	Path template.URL // which may be a script
	Text string
}

type form struct {
	Action, Method string
	Fields         []field
}

type field struct{ Name, Type, Value string }

// settings tell a page's script what to ask for.
type settings struct {
	Load  []string `json:"load,omitempty"`  // asked for with fetch when the page has loaded
	XHR   []string `json:"xhr,omitempty"`   // with XMLHttpRequest and X-Requested-With, as older libraries do
	Poll  string   `json:"poll,omitempty"`  // asked for every few seconds
	Seen  string   `json:"seen,omitempty"`  // gets a beacon by POST
	Route string   `json:"route,omitempty"` // prefix of the API that stands behind links, in a single-page app
}

// JSON is the settings as a script reads them.
func (s settings) JSON() (template.JS, error) {
	text, err := json.Marshal(s)
	return template.JS(text), err
}

var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{{range .Styles}}<link rel="stylesheet" href="{{.}}">
{{end}}{{if .Feed}}<link rel="alternate" type="application/rss+xml" href="{{.Feed}}">
{{end}}<script>window.site = {{.Settings.JSON}};</script>
{{range .Scripts}}<script src="{{.}}" defer></script>
{{end}}</head><body><h1>{{.Title}}</h1>
<nav>{{range .Links}}<a href="{{.Path}}">{{.Text}}</a>
{{end}}</nav><main>{{range .Text}}<p>{{.}}</p>
{{end}}{{range .Images}}<img src="{{.}}" width="120" height="80" alt="">
{{end}}</main>{{range .Forms}}<form action="{{.Action}}" method="{{.Method}}">{{range .Fields}}<input name="{{.Name}}" type="{{.Type}}" value="{{.Value}}">{{end}}<button>Go</button></form>
{{end}}{{range .Frames}}<iframe src="{{.}}" width="300" height="100"></iframe>
{{end}}</body></html>
`))

// serve writes the page. Where tag is set, the answer has an entity tag and may be asked for
// conditionally.
func (p *page) serve(w http.ResponseWriter, r *http.Request, tag bool) {
	var text strings.Builder
	if err := pageTemplate.Execute(&text, p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if tag && p.Status == 0 {
		sum := sha256.Sum256([]byte(text.String()))
		etag := `"` + hex.EncodeToString(sum[:8]) + `"`
		w.Header().Set("ETag", etag)
		w.Header().Set("Cache-Control", "no-cache")
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	} else {
		w.Header().Set("Cache-Control", "private, no-store")
	}
	if p.Status != 0 {
		w.WriteHeader(p.Status)
	}
	fmt.Fprint(w, text.String())
}

// serveJSON writes v.
func serveJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
