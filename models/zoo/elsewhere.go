package main

import (
	"html/template"
	"net/http"
	"slices"
)

// elsewhere are sites in the zoo's world that people come from. What is asked of them is not
// recorded.
var elsewhere = []string{"www.google.com", "duckduckgo.com", "www.bing.com", "www.facebook.com", "newsletter.example"}

var elsewherePage = template.Must(template.New("").Parse(`<!DOCTYPE html><html><head><title>Results</title><style>a { display: block; height: 900px; font-size: 40px }</style></head>
<body><a href="{{.}}">The first result</a></body></html>`))

// fromElsewhere serves the sites that people come from: a page with one large link to where the
// query says. All else goes to next.
func fromElsewhere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(elsewhere, r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		to := r.URL.Query().Get("to")
		if to == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		elsewherePage.Execute(w, to)
	})
}
