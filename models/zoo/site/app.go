package site

import (
	"fmt"
	"net/http"
	"strings"
)

// app is a single-page application with its API on the same host.
func app() *Site {
	s := spa("app", "app.taskboard.test", "/api/v1")
	api := s.handlers[s.Host].(*mux)
	api.HandleFunc("/api/v1/", serveItems)
	s.API = numbered("/api/v1/items/%d", 30)
	s.API = append(s.API, "/api/v1/items?cursor=0", "/api/v1/items?cursor=20", "/api/v1/me")
	return s
}

// portal is a single-page application with its API on another host, which the browser asks for
// leave first.
func portal() *Site {
	const host = "api.travelportal.test"
	s := spa("api-host", "www.travelportal.test", "https://"+host+"/v2")
	s.Others = []string{host}
	m := newMux("")
	m.HandleFunc("/v2/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://"+s.Host)
		w.Header().Set("Access-Control-Allow-Headers", "content-type, x-requested-with")
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		serveItems(w, r)
	})
	s.handlers[host] = m
	for _, path := range numbered("/v2/items/%d", 30) {
		s.API = append(s.API, "https://"+host+path)
	}
	return s
}

// spa returns a site that serves the same page under every path, and a script that asks the API.
func spa(kind, host, route string) *Site {
	s := &Site{Kind: kind, Host: host, Pages: append([]string{"/", "/inbox", "/settings"}, numbered("/items/%d", 30)...)}
	m := newMux("session")
	show := func(r *http.Request) *page {
		p := &page{Title: "Board", Styles: []string{"/static/main.4be1.css"}, Scripts: []string{"/static/runtime.js", "/static/vendor.0c1d.js"}, Images: []string{"/static/logo.svg"}, Links: links(s.Pages[:14])}
		p.Settings.Load, p.Settings.Route, p.Settings.Seen = []string{route + "/me", route + "/items?cursor=0"}, route, route+"/events"
		return p
	}
	for _, path := range []string{"/{$}", "/inbox", "/settings", "/items/{n}"} {
		m.page(path, true, show)
	}
	s.handlers = map[string]http.Handler{host: m}
	return s
}

func serveItems(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "admin") {
		serveJSON(w, http.StatusForbidden, map[string]string{"error": "forbidden"})
		return
	}
	n := number(r.URL.Path)
	serveJSON(w, http.StatusOK, map[string]any{"title": words(r.URL.String(), 3), "text": prose(r.URL.String(), 2), "next": n % 50,
		"images": []string{fmt.Sprintf("/static/item-%d.jpg", n%30)}})
}
