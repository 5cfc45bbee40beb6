package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// asBrowser is the user agent that tools are given to pretend with.
const asBrowser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/155.0.0.0 Safari/537.36"

// tool is a program of the command line that does its work by itself.
func tool(program, version, intent string, limit time.Duration, sites []string, argv func(v *visit, agent string) []string) client {
	return client{program: program, version: version, limit: limit, variants: twice(intent, sites),
		commands: func(v *visit) []command {
			agent := ""
			if v.disguise == asAgent {
				agent = asBrowser
			}
			return once(argv(v, agent)...)
		}}
}

// twice returns the variants of a tool: as it is, and with a browser's user agent, each on two
// sites.
func twice(intent string, sites []string) []variant {
	all := []variant{{intent: intent, disguise: plain, sites: sites}, {intent: intent, disguise: asAgent, sites: sites}}
	if len(sites) > 1 {
		all[0].sites, all[1].sites = sites[:len(sites)/2], sites[len(sites)/2:]
	}
	return all
}

// with returns the words where the agent is not empty.
func with(agent string, words ...string) []string {
	if agent == "" {
		return nil
	}
	return words
}

func join(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func words(text string) []string { return strings.Fields(text) }

// scanners look for holes and for what is not linked to.
func scanners() *family {
	f := &family{name: "scanners", number: 7, install: "scanners/install.sh", apt: words("sqlmap gobuster ffuf dirb wfuzz whatweb wapiti nmap")}
	sites := words("php-shop blog catalogue app aspx-webmail forum wiki news")
	list := func(v *visit) string { return filepath.Join(v.work, "words.txt") }
	f.clients = []client{
		tool("gobuster", "gobuster", scanning, 60*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("gobuster dir -q -t 4 -u"), []string{v.base(), "-w", list(v)}, with(agent, "-a", agent))
		}),
		tool("ffuf", "ffuf", scanning, 60*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("ffuf -s -t 4 -u"), []string{v.base() + "/FUZZ", "-w", list(v)}, with(agent, "-H", "User-Agent: "+agent))
		}),
		tool("dirb", "dirb", scanning, 60*time.Second, sites, func(v *visit, agent string) []string {
			return join([]string{"dirb", v.base() + "/", list(v), "-S", "-r"}, with(agent, "-a", agent))
		}),
		tool("wfuzz", "wfuzz", scanning, 60*time.Second, sites, func(v *visit, agent string) []string {
			return join([]string{"wfuzz", "-w", list(v), "--hc", "404"}, with(agent, "-H", "User-Agent: "+agent), []string{v.base() + "/FUZZ"})
		}),
		tool("whatweb", "whatweb", scanning, 60*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("whatweb -q -a 3"), with(agent, "-U", agent), []string{v.base() + "/"})
		}),
		tool("sqlmap", "sqlmap", scanning, 80*time.Second, words("php-shop catalogue wiki forum"), func(v *visit, agent string) []string {
			return join(words("sqlmap --batch --level 1 --risk 1 --flush-session --timeout 10 -u"), []string{v.base() + v.site.Search + "lamp"}, with(agent, "-A", agent))
		}),
		tool("wapiti", "wapiti", scanning, 80*time.Second, sites, func(v *visit, agent string) []string {
			return join([]string{"wapiti", "-u", v.base() + "/"}, words("-m common --max-scan-time 40 --max-links-per-page 8 -d 2 --flush-session --no-bugreport -v 0"), with(agent, "-A", agent))
		}),
		tool("nmap", "nmap", scanning, 80*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("nmap -Pn -p 443 --script http-title,http-headers,http-robots.txt,http-enum,http-methods"),
				with(agent, "--script-args", "http.useragent="+strings.ReplaceAll(agent, ",", "")), []string{v.site.Host})
		}),
	}
	return f
}

// load are generators of load.
func load() *family {
	f := &family{name: "load", number: 8, apt: words("wrk apache2-utils siege nghttp2-client hey")}
	sites := words("php-shop news app blog wiki cdn-magazine")
	f.clients = []client{
		tool("wrk", "wrk", loading, 30*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("wrk -t1 -c4 -d4s"), with(agent, "-H", "User-Agent: "+agent), []string{v.base() + v.site.Pages[0]})
		}),
		tool("hey", "hey", loading, 30*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("hey -n 300 -c 4"), with(agent, "-H", "User-Agent: "+agent), []string{v.base() + v.site.Pages[1]})
		}),
		tool("ab", "apache2-utils", loading, 30*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("ab -q -n 300 -c 4"), with(agent, "-H", "User-Agent: "+agent), []string{v.base() + v.site.Pages[0]})
		}),
		tool("siege", "siege", loading, 40*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("siege -q -c 3 -r 10 -f"), []string{v.write("urls", v.urls(12))}, with(agent, "-A", agent))
		}),
		tool("h2load", "nghttp2-client", loading, 30*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("h2load -n 300 -c 3 -m 3"), with(agent, "-H", "user-agent: "+agent), []string{v.base() + v.site.Pages[0]})
		}),
	}
	return f
}

// urls returns addresses of pages, one a line.
func (v *visit) urls(n int) string {
	var lines string
	for _, p := range v.site.Pages[:min(n, len(v.site.Pages))] {
		lines += v.base() + p + "\n"
	}
	return lines
}

// watchers are monitors and readers of feeds.
func watchers() *family {
	f := &family{name: "watchers", number: 9, install: "watchers/install.sh", apt: words("monitoring-plugins-basic prometheus-blackbox-exporter httping newsboat python3 python3-venv")}
	repeat := func(v *visit, n int, wait float64, argv ...string) []command {
		var calls []command
		for i := range n {
			c := command{Argv: argv}
			if i > 0 {
				c.Wait = wait
			}
			calls = append(calls, c)
		}
		return calls
	}
	sites := words("app accounts php-shop aspx-webmail catalogue news")
	feeds := words("blog cdn-magazine forum news")
	f.clients = []client{
		{program: "check_http", version: "monitoring-plugins-basic", variants: twice(watching, sites), commands: func(v *visit) []command {
			argv := words("/usr/lib/nagios/plugins/check_http --ssl --sni -H " + v.site.Host + " -u /")
			if v.disguise == asAgent {
				argv = append(argv, "-A", asBrowser)
			}
			return repeat(v, 10, 2, argv...)
		}},
		{program: "httping", version: "httping", variants: twice(watching, sites), commands: func(v *visit) []command {
			argv := words("httping -l -G -c 10 -g " + v.base() + "/")
			if v.disguise == asAgent {
				argv = append(argv, "-I", asBrowser)
			}
			return once(argv...)
		}},
		{program: "blackbox-exporter", version: "prometheus-blackbox-exporter", variants: twice(watching, sites), commands: func(v *visit) []command {
			headers := ""
			if v.disguise == asAgent {
				headers = "\n      headers: {User-Agent: '" + asBrowser + "'}"
			}
			config := v.write("blackbox.yml", "modules:\n  http:\n    prober: http\n    http:\n      method: GET"+headers+"\n")
			probe := fmt.Sprintf("for i in 1 2 3 4 5 6 7 8; do sleep 2; curl -s -o /dev/null 'http://127.0.0.1:%d/probe?module=http&target=%s/'; done", 20000+v.number, v.base())
			return once("sh", "-c", fmt.Sprintf("prometheus-blackbox-exporter --config.file=%s --web.listen-address=127.0.0.1:%d & %s; kill $!", config, 20000+v.number, probe))
		}},
		{program: "newsboat", version: "newsboat", variants: twice(feeding, feeds), commands: func(v *visit) []command {
			config := "ssl-verifypeer yes\n"
			if v.disguise == asAgent {
				config += "user-agent \"" + asBrowser + "\"\n"
			}
			return repeat(v, 5, 3, "newsboat", "-u", v.write("urls", v.base()+v.site.Feed+"\n"), "-C", v.write("config", config), "-c", v.in("cache.db"), "-x", "reload")
		}},
		{program: "feedparser", variants: twice(feeding, feeds), commands: func(v *visit) []command {
			return once(filepath.Join(v.work, "feedparser", "bin", "python"), "-c",
				"import feedparser, sys, time\nargs = sys.argv[1:]\nlast = None\nfor i in range(5):\n"+
					"    last = feedparser.parse(args[0], etag=last and last.get('etag'), agent=args[1] or None)\n    time.sleep(2)", v.base()+v.site.Feed, visitAgent(v))
		}},
	}
	return f
}

func visitAgent(v *visit) string {
	if v.disguise == asAgent {
		return asBrowser
	}
	return ""
}

// crawlers follow all links by their own rules.
func crawlers() *family {
	f := &family{name: "crawlers", number: 10, apt: words("wget wget2 httrack linkchecker")}
	sites := words("blog wiki php-shop news forum catalogue downloads cdn-magazine")
	f.clients = []client{
		tool("wget-recursive", "wget", crawling, 45*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("wget -q -r -l 2 -p -w 0.1 -Q 2m"), with(agent, "-U", agent), []string{v.base() + "/"})
		}),
		tool("wget-recursive-without-robots", "wget", crawling, 45*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("wget -q -r -l 2 -e robots=off -w 0.1 -Q 2m"), with(agent, "-U", agent), []string{v.base() + "/"})
		}),
		tool("wget2-recursive", "wget2", crawling, 45*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("wget2 -q -r -l 2 -Q 2m"), with(agent, "-U", agent), []string{v.base() + "/"})
		}),
		tool("httrack", "httrack", crawling, 45*time.Second, sites, func(v *visit, agent string) []string {
			return join([]string{"httrack", v.base() + "/", "-O", v.in("mirror")}, words("-q -r3 -%c5 -c2"), with(agent, "-F", agent))
		}),
		tool("linkchecker", "linkchecker", crawling, 60*time.Second, sites, func(v *visit, agent string) []string {
			return join(words("linkchecker --no-status -q -r2 -t 2 -f"), []string{v.write("rc", "[checking]\nsslverify=/etc/ssl/certs/ca-certificates.crt\nallowroot=1\n")},
				with(agent, "--user-agent="+agent), []string{v.base() + "/"})
		}),
	}
	return f
}
