package traffic

import "strings"

// words are what a kind of program calls itself by, in lower case. One that begins with a space counts only where no
// letter stands before it.
type words []string

// crawlerWords are what crawlers, monitors, link previews and scanners call themselves, and what the address of
// somebody to complain to begins with. They are common nouns and a few well-known names, not a list of programs: such a
// list needs care every week, and TestDeclaredCrawlers measures how far the nouns get.
var crawlerWords = words{
	"bot", "crawl", "spider", "slurp", "http://", "https://", "+http", "www.", "archiv", "fetch", " scan", "monitor",
	" check", "checker", "preview", "validator", " feed", "rss", "pingdom", "uptime", "index", "scrap", "extract", "harvest",
	"gpt", "claude", "anthropic", "openai", "perplexity", "mistralai", "cohere-ai", "google-", "googleother", "mediapartners",
	"facebookexternalhit", "facebookcatalog", "meta-external", "whatsapp/", "bytespider", "-user/", "-ai/", "lighthouse",
	"synthetic", "catchpoint", "observatory", "agent/", "contact", "survey", "sitemap", "translat",
}

// toolWords are the names of HTTP libraries, command-line clients and probing tools.
var toolWords = words{
	"curl", "wget", "python", " java/", "go-http-client", "okhttp", "libwww-perl", "lwp", " perl", "ruby", " php", "axios",
	"node-fetch", "undici", "guzzle", "httpclient", "http-client", "aiohttp", "httpx", "requests", "winhttp", "powershell",
	"postman", "insomnia", "urllib", "mechanize", "scrapy", "rest-client", "restsharp", " dart/", "reqwest", " hyper/",
	"httpie", "faraday", "typhoeus", "jakarta", "jetty", "ahc/", "zgrab", "masscan", "nmap", "nikto", "sqlmap", "nuclei",
	"gobuster", "dirbuster", "wpscan", "fuzz", "apachebench", "httrack", "httpunit", "http_get", "l9explore", "l9tcpid",
}

// headlessWords are what browsers that a program drives are called.
var headlessWords = words{
	"headless", "phantomjs", "slimerjs", "selenium", "webdriver", "puppeteer", "playwright", "cypress/", "splash", "htmlunit",
}

// in tells whether one of the words is in s, which is lower case.
func (w words) in(s string) bool {
	for _, word := range w {
		if word[0] == ' ' {
			if atStart(s, word[1:]) {
				return true
			}
			continue
		}
		if strings.Contains(s, word) && (word != "bot" || strings.Contains(strings.ReplaceAll(s, "cubot", ""), word)) {
			return true // CUBOT makes telephones
		}
	}
	return false
}

// atStart tells whether word is in s with no letter before it.
func atStart(s, word string) bool {
	for at := 0; ; {
		i := strings.Index(s[at:], word)
		if i < 0 {
			return false
		}
		at += i
		if at == 0 || s[at-1] < 'a' || s[at-1] > 'z' {
			return true
		}
		at++
	}
}
