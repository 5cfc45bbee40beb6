package site

import (
	"fmt"
	"html/template"
	"net/http"
	"strconv"
)

// webmail is an application of ASP.NET's Web Forms: one form on each page that is posted back to
// it, and a script that polls.
func webmail() *Site {
	s := &Site{Kind: "aspx-webmail", Host: "mail.office.test", API: []string{"/mail/poll.ashx", "/mail/poll.ashx?since=4", "/mail/folders.ashx"}, Login: Login{"/login.aspx", "txtUser", "txtPassword"}}
	messages := numbered("/mail/message.aspx?id=%d", 40)
	s.Pages = append([]string{"/default.aspx", "/mail/inbox.aspx", "/mail/inbox.aspx?folder=sent", "/mail/compose.aspx", "/calendar/week.aspx"}, messages...)
	m := newMux("ASP.NET_SessionId", "/mail/")
	show := func(r *http.Request) *page {
		action := func(i int) link {
			return link{template.URL(fmt.Sprintf("javascript:__doPostBack('grid$%d')", i)), "Select " + strconv.Itoa(i)}
		}
		p := &page{Title: words(r.URL.String(), 3), Styles: []string{"/App_Themes/Blue/mail.css"}, Scripts: []string{"/static/WebResource.js"},
			Images: numbered("/App_Themes/Blue/icon%d.png", 4), Text: prose(r.URL.String(), 1),
			Links: append([]link{action(1), action(2)}, links(append(some(r.URL.String(), messages, 10), s.Pages[:5]...))...),
			Forms: []form{{r.URL.String(), "post", []field{{"__EVENTTARGET", "hidden", ""}, {"__VIEWSTATE", "hidden", fmt.Sprintf("%064x", number(r.URL.String()))}, {"txtFilter", "text", ""}}}}}
		p.Settings.XHR, p.Settings.Poll = []string{"/mail/folders.ashx"}, "/mail/poll.ashx"
		return p
	}
	for _, path := range []string{"/{$}", "/default.aspx", "/mail/inbox.aspx", "/mail/compose.aspx", "/calendar/week.aspx", "/mail/message.aspx"} {
		m.page(path, false, show)
	}
	m.HandleFunc("/mail/poll.ashx", func(w http.ResponseWriter, r *http.Request) { serveJSON(w, http.StatusOK, map[string]int{"new": 0}) })
	m.HandleFunc("/mail/folders.ashx", func(w http.ResponseWriter, r *http.Request) {
		serveJSON(w, http.StatusOK, []string{"Inbox", "Sent", "Drafts"})
	})
	m.login(s.Login, "/mail/inbox.aspx")
	s.handlers = map[string]http.Handler{s.Host: m}
	return s
}

// accounts is an area for customers: nothing but a login that mostly fails, and pages behind it.
func accounts() *Site {
	s := &Site{Kind: "accounts", Host: "my.cityenergy.test", API: []string{"/api/session", "/api/notices"}, Login: Login{"/signin", "username", "password"}}
	s.Pages = []string{"/", "/signin", "/forgot", "/register", "/help", "/account/", "/account/bills", "/account/meter"}
	m := newMux("sid", "/account/")
	show := func(title string) *page {
		p := &page{Title: title, Styles: []string{"/css/style.css"}, Scripts: []string{"/js/form.js"}, Images: []string{"/img/logo.png"}, Text: prose(title, 2), Links: links(s.Pages)}
		p.Settings.Load = []string{"/api/session"}
		return p
	}
	for _, path := range []string{"/{$}", "/forgot", "/register", "/help"} {
		m.page(path, true, func(r *http.Request) *page { return show(words(r.URL.Path, 3)) })
	}
	m.HandleFunc("GET /account/", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("auth"); err != nil {
			http.Redirect(w, r, "/signin?next="+r.URL.Path, http.StatusFound)
			return
		}
		show("Account "+words(r.URL.Path, 1)).serve(w, r, false)
	})
	m.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusUnauthorized
		if _, err := r.Cookie("auth"); err == nil {
			status = http.StatusOK
		}
		serveJSON(w, status, map[string]int{"notices": 0})
	})
	m.login(s.Login, "/account/")
	s.handlers = map[string]http.Handler{s.Host: m}
	return s
}
