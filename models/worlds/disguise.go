package worlds

import (
	"fmt"
	"strings"
)

// mask is the appearance of a bot's requests.
type mask int

const (
	plain        mask = iota // the program's own
	agentOnly                // a browser's user agent, else the program's own
	copied                   // a browser's header fields, copied into a program
	impersonated             // a browser's header fields by a library that knows them, over its own TLS
	driven                   // a browser that a program drives
	windowless               // the same without a window, and it shows
)

func (m mask) String() string {
	return [...]string{"plain", "agent", "copied", "impersonated", "engine", "headless"}[m]
}

// stale returns a browser for a script: often one of the time when the script was written.
func (w *World) stale() *program {
	d := w.dice
	if d.chance(0.45) {
		return pick(d, w.population.desktop)
	}
	old := population{now: w.population.now, secret: w.secret, extensions: w.population.extensions}
	back := d.from(1, 70)
	old.now.chrome, old.now.firefox = max(60, old.now.chrome-back), max(60, old.now.firefox-back)
	old.now.safari = max(14, min(old.now.safari, 18)-back/13)
	old.now.ios = old.now.safari
	return old.newDesktop(d)
}

// masked returns a program that looks as m says, from the libraries of a kind of bot.
func (w *World) masked(m mask, kinds []libraryKind) *program {
	d := w.dice
	tool := newLibrary(d, kinds, w.secret)
	switch m {
	case plain:
		return tool
	case agentOnly:
		tool.agent = w.stale().agent
		return tool
	case copied:
		return w.copy(tool, w.stale())
	case impersonated:
		b := *w.stale()
		if d.chance(0.75) { // otherwise it has the browser's TLS as well
			b.ja4, b.resumed, b.setup, b.tls, b.http2 = tool.ja4, tool.resumed, tool.setup, tool.tls, tool.http2
		}
		b.name = tool.name
		return &b
	case windowless:
		return w.headless()
	}
	return pick(d, w.population.desktop)
}

// copy returns a script with the header fields of a browser's page, as copied from the browser:
// they are the same for every request, come in the order of the program, and some of them were
// forgotten or are of another version.
func (w *World) copy(tool, b *program) *program {
	d := w.dice
	a := ask{load: forPage, method: "GET", secure: true, relation: pick(d, []string{"none", "none", "same-origin", "cross-site"}), version: 11, language: pick(d, languages)}
	p := *tool
	p.agent = b.agent
	own := map[string]bool{}
	for _, f := range tool.fields {
		own[strings.ToLower(f.Name)] = true
	}
	var fields []Field
	forgets := []string{"Connection"}
	for _, name := range []string{"sec-ch-ua", "Sec-Fetch", "Accept-Language", "Priority", "Upgrade", "Accept-Encoding", "te"} {
		if d.chance(0.3) {
			forgets = append(forgets, name)
		}
	}
	hints := b.hints
	if d.chance(0.25) { // the user agent was renewed, these were not
		hints = clientHints("Google Chrome", max(b.version-d.from(1, 20), 60), 100)
	}
	for _, f := range b.appendFields(nil, &a) {
		switch {
		case forgotten(f.Name, forgets):
			continue
		case f.Name == "sec-ch-ua":
			f.Value = hints
		case f.Name == "Accept-Encoding" && d.chance(0.5):
			f.Value = "gzip, deflate"
		}
		if own[strings.ToLower(f.Name)] {
			p.fields = replaced(p.fields, f)
			continue
		}
		if p.http2 {
			f.Name = strings.ToLower(f.Name)
		}
		fields = append(fields, f)
	}
	p.fields = append(p.fields[:len(p.fields):len(p.fields)], fields...)
	if !own["user-agent"] {
		p.fields = append(p.fields, Field{"User-Agent", "-"})
	}
	return &p
}

func forgotten(name string, forgets []string) bool {
	for _, f := range forgets {
		if strings.HasPrefix(strings.ToLower(name), strings.ToLower(f)) {
			return true
		}
	}
	return false
}

// replaced returns fields with the value of one of them replaced.
func replaced(fields []Field, by Field) []Field {
	out := make([]Field, 0, len(fields)+16)
	for _, f := range fields {
		if strings.EqualFold(f.Name, by.Name) {
			f.Value = by.Value
		}
		out = append(out, f)
	}
	return out
}

// headless returns a browser without a window that is recognizable: by its name, or by missing
// fields.
func (w *World) headless() *program {
	d := w.dice
	v := w.population.version(d, chromium, d.lag())
	b := &program{name: "headless-chrome", engine: chromium, version: v, platform: `"Linux"`, hints: clientHints("HeadlessChrome", v, v)}
	b.agent = fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/%d.0.0.0 Safari/537.36", v)
	switch d.n(4) {
	case 0: // only the user agent shows it
		b.hints = clientHints("Google Chrome", v, v)
	case 1: // the name was changed, the brand was not
		b.agent = fmt.Sprintf(chromeFormat, "Windows NT 10.0; Win64; x64", v, "", "")
	case 2:
		if d.chance(0.4) {
			b.name, b.engine = "phantomjs", ancient
			b.agent = fmt.Sprintf("Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.%d.0 Safari/538.1", d.n(2))
		}
	}
	w.population.dressChromium(b)
	return b
}
