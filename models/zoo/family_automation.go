package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// automation are real browsers that programs drive.
func automation() *family {
	f := &family{name: "automation", number: 6, install: "automation/install.sh", apt: []string{"chromium", "chromium-driver", "chromium-headless-shell", "firefox-esr", "xvfb",
		"xdotool", "openbox", "libnss3-tools", "python3", "python3-venv", "nodejs", "npm"}}
	both := []string{headless, asAgent, headed, asPaced}
	for _, p := range []struct {
		program string
		ways    []string
		argv    func(*visit) []string
	}{
		{"selenium-chromium", both, byPython}, {"selenium-firefox", []string{headless, headed, asPaced}, byPython}, {"undetected-chromedriver", []string{headed, asPaced}, byPython},
		{"nodriver", []string{headed, asPaced}, byPython}, {"drissionpage", []string{headless, headed}, byPython}, {"py-playwright", both, byPython}, {"py-patchright", []string{headless, headed}, byPython},
		{"playwright", both, byNode}, {"patchright", both, byNode}, {"puppeteer", both, byNode}, {"puppeteer-shell", []string{headless, asAgent}, byNode},
		{"puppeteer-stealth", both, byNode}, {"rebrowser-puppeteer", []string{headless, headed}, byNode}, {"crawlee-playwright", []string{headless, headed}, byNode},
		{"chromedp", both, byGo}, {"rod", both, byGo},
	} {
		f.clients = append(f.clients, client{program: p.program, limit: 2 * time.Minute, variants: driven(p.ways, p.program), commands: func(v *visit) []command {
			return v.onScreen([]string{v.in(".pki/nssdb"), v.in("firefox")}, p.argv(v)...)
		}})
	}
	for _, program := range []string{"chromium", "chromium-headless-shell", "firefox-esr"} {
		f.clients = append(f.clients, client{program: program + "-dump", version: program, variants: dumped(program), commands: func(v *visit) []command {
			calls := v.onScreen([]string{v.in(".pki/nssdb"), v.in("firefox")}, "true")[:1]
			return append(calls, v.eachStep(func(s *step) []string { return v.dump(program, s) })...)
		}})
	}
	return f
}

// driven returns two variants for each way of driving a browser.
func driven(ways []string, program string) []variant {
	var all []variant
	for i, way := range ways {
		kinds := [][]string{nil, {"app", "api-host", "news", "cdn-magazine"}}
		all = append(all, variant{intent: automating, disguise: way, sites: kinds[0]})
		if way != asPaced {
			all = append(all, variant{intent: automating + "-app", disguise: way, sites: kinds[1]})
		}
		if int(hash(program))%len(ways) == i {
			all = append(all, variant{intent: automating + "-login", disguise: way, sites: []string{"accounts", "php-shop", "forum"}})
		}
	}
	return all
}

// dumped returns the variants of a browser that is called once for each page.
func dumped(program string) []variant {
	ways := []variant{{intent: automating, disguise: headless}}
	if program != "firefox-esr" {
		ways = append(ways, variant{intent: automating, disguise: asAgent})
	}
	return ways
}

func (v *visit) dump(program string, s *step) []string {
	if program == "firefox-esr" {
		return []string{program, "--headless", "--profile", v.in("firefox"), "--screenshot", v.in("page.png"), s.URL}
	}
	argv := []string{program, "--no-sandbox", "--user-data-dir=" + v.in("profile"), "--virtual-time-budget=3000", "--dump-dom"}
	if program == "chromium" {
		argv = append(argv, "--headless=new")
	}
	if v.disguise == asAgent {
		argv = append(argv, "--user-agent="+windowAgent())
	}
	return append(argv, s.URL)
}

// chromiumMajor returns the version of the browser that is driven, up to its first point.
func chromiumMajor() string {
	major, _, _ := strings.Cut(packageVersion("chromium"), ".")
	return cmp.Or(major, "156")
}

// windowAgent returns the user agent of the browser that is driven, as it is with a window.
func windowAgent() string {
	return "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + chromiumMajor() + ".0.0.0 Safari/537.36"
}

// drive is the orders of a driven browser, which its script reads.
type drive struct {
	Program  string    `json:"program"`
	Headless bool      `json:"headless"`
	Agent    string    `json:"agent,omitempty"`
	Major    string    `json:"major"` // of Chromium's version
	Profile  string    `json:"profile"`
	Firefox  string    `json:"firefox"`
	Pages    []string  `json:"pages"`
	Waits    []float64 `json:"waits"`
	Login    []string  `json:"login,omitempty"` // address, and names of the fields for name and password
}

func (v *visit) drive() string {
	d := drive{Program: v.client.program, Major: chromiumMajor(), Headless: v.disguise == headless || v.disguise == asAgent, Profile: v.in("profile"), Firefox: v.in("firefox")}
	if v.disguise == asAgent {
		d.Agent = windowAgent()
	}
	for _, s := range v.steps {
		d.Pages, d.Waits = append(d.Pages, s.URL), append(d.Waits, max(s.Wait, 0.4))
	}
	d.Pages, d.Waits = slices.Clip(d.Pages[:min(7, len(d.Pages))]), d.Waits[:min(7, len(d.Waits))]
	if v.intent == automating+"-login" {
		l := v.site.Login
		d.Login = []string{v.base() + l.Path, l.Name, l.Password}
	}
	return v.write("drive.json", d)
}

func byPython(v *visit) []string {
	return []string{filepath.Join(v.work, v.client.program, "bin", "python"), filepath.Join(v.work, "drive.py"), v.drive()}
}

func byNode(v *visit) []string {
	return []string{"node", filepath.Join(v.work, "drive.mjs"), v.drive()}
}

func byGo(v *visit) []string { return []string{filepath.Join(v.work, "drive"), v.drive()} }
