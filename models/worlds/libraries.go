package worlds

import (
	"fmt"
	"strings"
)

// libraryKind is a program that is not a browser, with the fields that it sends by default.
type libraryKind struct {
	name   string
	agent  string // a pattern with numbers: see version
	fields string // names in their order with | between, values behind a colon; Host where it is not the first
	shape  tlsShape
	setup  setup
}

// libraries are the libraries of scripts.
var libraries = []libraryKind{
	{"curl", "curl/7.#.0|curl/8.#.1", "User-Agent|Accept:*/*", tlsShape{"13", 31, 12, "h2"}, curlSetup},
	{"wget", "Wget/1.2#|Wget/1.21.#", "User-Agent|Accept:*/*|Accept-Encoding:identity|Connection:Keep-Alive", tlsShape{"13", 29, 13, "00"}, curlSetup},
	{"python-requests", "python-requests/2.2#.1|python-requests/2.3#.0", "User-Agent|Accept-Encoding:gzip| deflate|Accept:*/*|Connection:keep-alive", tlsShape{"13", 18, 12, "h1"}, pythonSetup},
	{"python-httpx", "python-httpx/0.2#.2", "Accept:*/*|Accept-Encoding:gzip| deflate|Connection:keep-alive|User-Agent", tlsShape{"13", 18, 13, "h1"}, pythonSetup},
	{"python-aiohttp", "Python/3.# aiohttp/3.#.4", "Accept:*/*|Accept-Encoding:gzip| deflate|User-Agent", tlsShape{"13", 18, 12, "h1"}, pythonSetup},
	{"python-urllib", "Python-urllib/3.#", "Accept-Encoding:identity|Host|User-Agent|Connection:close", tlsShape{"13", 18, 11, "00"}, pythonSetup},
	{"go", "Go-http-client/1.1", "accept-encoding:gzip|user-agent", tlsShape{"13", 13, 12, "h2"}, goSetup},
	{"go-resty", "go-resty/2.#.0 (https://github.com/go-resty/resty)", "user-agent|accept-encoding:gzip", tlsShape{"13", 13, 11, "h2"}, goSetup},
	{"axios", "axios/0.2#.1|axios/1.#.2", "Accept:application/json, text/plain, */*|User-Agent|Accept-Encoding:gzip, compress, deflate, br|Host|Connection:keep-alive", tlsShape{"13", 59, 10, "00"}, nodeSetup},
	{"node-fetch", "node", "connection:keep-alive|accept:*/*|accept-language:*|sec-fetch-mode:cors|user-agent|accept-encoding:gzip, deflate", tlsShape{"13", 59, 11, "h1"}, nodeSetup},
	{"got", "got (https://github.com/sindresorhus/got)", "user-agent|accept-encoding:gzip, deflate, br|Host|Connection:close", tlsShape{"13", 59, 10, "00"}, nodeSetup},
	{"java", "Java-http-client/11.0.#|Java-http-client/17.0.#", "user-agent", tlsShape{"13", 37, 13, "h2"}, javaSetup},
	{"java-url", "Java/1.8.0_3#1|Java/17.0.#", "User-Agent|Host|Accept:*/*; q=.2|Connection:keep-alive", tlsShape{"13", 37, 12, "00"}, javaSetup},
	{"apache-httpclient", "Apache-HttpClient/4.5.# (Java/11.0.2#)", "Connection:Keep-Alive|User-Agent|Accept-Encoding:gzip, deflate", tlsShape{"13", 37, 12, "00"}, javaSetup},
	{"okhttp", "okhttp/4.#.0|okhttp/3.1#.1", "accept-encoding:gzip|user-agent", tlsShape{"13", 15, 14, "h2"}, okhttpSetup},
	{"ruby", "Ruby", "Accept-Encoding:gzip;q=1.0,deflate;q=0.6|Accept:*/*|User-Agent|Host", tlsShape{"13", 31, 12, "00"}, curlSetup},
	{"perl-lwp", "libwww-perl/6.#", "TE:deflate,gzip;q=0.3|Connection:TE, close|Host|User-Agent", tlsShape{"13", 31, 11, "00"}, curlSetup},
	{"php-curl", "GuzzleHttp/6.#.1 curl/7.#.0 PHP/7.#.3", "user-agent", tlsShape{"13", 31, 12, "h2"}, curlSetup},
	{"reqwest", "reqwest/0.11.#", "accept:*/*|user-agent", tlsShape{"13", 10, 11, "h2"}, rustSetup},
	{"dotnet", "", "Connection:Keep-Alive", tlsShape{"12", 21, 10, "00"}, javaSetup},
	{"scrapy", "Scrapy/2.#.1 (+https://scrapy.org)", "Accept:text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8|Accept-Language:en|User-Agent|Accept-Encoding:gzip, deflate|Host", tlsShape{"13", 30, 10, "00"}, pythonSetup},
	{"mechanize", "WWW-Mechanize/2.1#", "TE:deflate,gzip;q=0.3|Connection:TE, close|Accept-Encoding:gzip|Host|User-Agent", tlsShape{"13", 31, 10, "00"}, curlSetup},
	{"fasthttp", "fasthttp", "User-Agent|Host", tlsShape{"13", 13, 11, "00"}, goSetup},
	{"colly", "colly - https://github.com/gocolly/colly/v2", "user-agent|accept:*/*|accept-encoding:gzip", tlsShape{"13", 13, 12, "h2"}, goSetup},
}

// scanners and load tools name themselves by default.
var (
	scannerTools = []libraryKind{
		{"gobuster", "gobuster/3.#", "User-Agent|Accept-Encoding:gzip", tlsShape{"13", 19, 9, "00"}, goSetup},
		{"ffuf", "Fuzz Faster U Fool v2.#.0", "User-Agent|Accept-Encoding:gzip", tlsShape{"13", 19, 9, "00"}, goSetup},
		{"dirbuster", "DirBuster-1.0-RC1 (http://www.owasp.org/index.php/Category:OWASP_DirBuster_Project)", "User-Agent|Connection:Keep-Alive", tlsShape{"12", 37, 11, "00"}, javaSetup},
		{"sqlmap", "sqlmap/1.7.#.#dev (https://sqlmap.org)", "Cache-Control:no-cache|User-Agent|Accept:*/*|Accept-Encoding:gzip,deflate|Connection:close", tlsShape{"12", 28, 7, "00"}, pythonSetup},
		{"wpscan", "WPScan v3.8.2# (https://wpscan.org/)", "user-agent|accept:*/*|referer:https://example.example/", tlsShape{"13", 31, 12, "h2"}, curlSetup},
		{"nikto", "Mozilla/5.00 (Nikto/2.1.#) (Evasions:None) (Test:map_codes)", "User-Agent|Connection:Keep-Alive", tlsShape{"13", 31, 11, "00"}, curlSetup},
		{"nmap", "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)", "User-Agent|Connection:close", tlsShape{"13", 78, 11, "00"}, curlSetup},
		{"zgrab", "Mozilla/5.0 zgrab/0.#", "User-Agent|Accept:*/*|Accept-Encoding:gzip", tlsShape{"12", 12, 9, "00"}, goSetup},
		{"nuclei", "Nuclei - Open-source project (github.com/projectdiscovery/nuclei/v2.#)", "User-Agent|Accept:*/*|Accept-Encoding:gzip", tlsShape{"13", 19, 10, "h2"}, goSetup},
		{"wfuzz", "Wfuzz/3.#", "accept:*/*|content-type:application/x-www-form-urlencoded|user-agent", tlsShape{"13", 29, 12, "h2"}, curlSetup},
	}
	loadTools = []libraryKind{
		{"wrk", "", "", tlsShape{"13", 31, 10, "00"}, curlSetup},
		{"hey", "hey/0.0.#", "User-Agent|Content-Type:text/html|Accept-Encoding:gzip", tlsShape{"13", 19, 9, "00"}, goSetup},
		{"ab", "ApacheBench/2.4#", "User-Agent|Accept:*/*", tlsShape{"13", 31, 11, "00"}, curlSetup},
		{"siege", "Mozilla/5.0 (pc-x86_64-linux-gnu) Siege/4.1.#", "Accept:*/*|Accept-Encoding:gzip, deflate|User-Agent|Connection:close", tlsShape{"13", 31, 10, "00"}, curlSetup},
		{"h2load", "h2load nghttp2/1.4#.0", "user-agent", tlsShape{"13", 13, 13, "h2"}, nodeSetup},
		{"jmeter", "Apache-HttpClient/4.5.1# (Java/1.8.0_27#)", "Connection:keep-alive|User-Agent", tlsShape{"13", 37, 12, "00"}, javaSetup},
		{"k6", "k6/0.4#.0 (https://k6.io/)", "user-agent|accept-encoding:gzip", tlsShape{"13", 13, 12, "h2"}, goSetup},
		{"vegeta", "Go-http-client/1.1", "User-Agent|Accept-Encoding:gzip", tlsShape{"13", 13, 11, "00"}, goSetup},
	}
	monitorTools = []libraryKind{
		{"check_http", "check_http/v2.#.3 (monitoring-plugins 2.3.#)", "User-Agent|Connection:close|Host", tlsShape{"13", 31, 8, "00"}, curlSetup},
		{"pingdom", "Pingdom.com_bot_version_1.# (http://www.pingdom.com/)", "User-Agent|Accept-Encoding:gzip,deflate|Connection:close", tlsShape{"12", 30, 9, "00"}, curlSetup},
		{"statuscake", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/9#.0.4147.135 Safari/537.36 StatusCake", "User-Agent|Accept:*/*", tlsShape{"13", 13, 11, "h2"}, goSetup},
		{"blackbox", "Blackbox Exporter/0.2#.0", "user-agent|accept-encoding:gzip", tlsShape{"13", 19, 10, "h2"}, goSetup},
		{"kube-probe", "kube-probe/1.2#", "User-Agent|Accept:*/*|Connection:close", tlsShape{"13", 19, 10, "00"}, goSetup},
		{"site24x7", "Site24x7", "Accept:*/*|User-Agent|Accept-Encoding:gzip", tlsShape{"12", 30, 10, "00"}, javaSetup},
		{"browser-check", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/10#.0.0.0 Safari/537.36", "User-Agent|Accept:*/*", tlsShape{"13", 18, 12, "h1"}, pythonSetup},
	}
	feedReaders = []libraryKind{
		{"newsboat", "Newsboat/2.3# (Linux x86_64)", "user-agent|accept:*/*|accept-encoding:gzip, deflate", tlsShape{"13", 29, 12, "h2"}, curlSetup},
		{"feedparser", "UniversalFeedParser/5.2.# +https://code.google.com/p/feedparser/", "User-Agent|Accept-Encoding:gzip, deflate|Accept:application/atom+xml,application/rss+xml,*/*;q=0.1|A-IM:feed|Connection:close", tlsShape{"13", 18, 13, "h1"}, pythonSetup},
		{"feedly", "Feedly/1.0 (+http://www.feedly.com/fetcher.html; # subscribers)", "User-Agent|Accept-Encoding:gzip", tlsShape{"13", 37, 12, "00"}, javaSetup},
		{"netnewswire", "NetNewsWire (RSS Reader; https://netnewswire.com/)", "accept:*/*|accept-language:en-US,en;q=0.9|user-agent|accept-encoding:gzip, deflate, br", tlsShape{"13", 20, 13, "h2"}, appleSetup},
		{"freshrss", "FreshRSS/1.2#.1 (Linux; https://freshrss.org)", "user-agent|accept:*/*|accept-encoding:gzip, deflate", tlsShape{"13", 31, 12, "h2"}, curlSetup},
		{"thunderbird", "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.#.0", "user-agent|accept:*/*|accept-language:en-US,en;q=0.5|accept-encoding:gzip, deflate, br", tlsShape{"13", 17, 15, "h2"}, geckoSetup},
		{"podcasts", "iTMS", "user-agent|accept:*/*|accept-language:en-us", tlsShape{"13", 20, 13, "h2"}, appleSetup},
	}
)

// crawlers declare themselves.
var crawlers = []libraryKind{
	{"googlebot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)|Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/12#.0.6422.60 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", crawlerFields, crawlerShape, goSetup},
	{"googlebot-image", "Googlebot-Image/1.0", crawlerFields, crawlerShape, goSetup},
	{"bingbot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/10#.0.5845.110 Safari/537.36", crawlerFields, crawlerShape, nodeSetup},
	{"yandex", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", crawlerFields, crawlerShape, curlSetup},
	{"applebot", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)", crawlerFields, tlsShape{"13", 20, 13, "h2"}, appleSetup},
	{"baidu", "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)", crawlerFields, crawlerShape, curlSetup},
	{"duckduckbot", "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)", crawlerFields, crawlerShape, curlSetup},
	{"semrush", "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", crawlerFields, crawlerShape, goSetup},
	{"mj12", "Mozilla/5.0 (compatible; MJ12bot/v1.4.#; http://mj12bot.com/)", crawlerFields, crawlerShape, curlSetup},
	{"dotbot", "Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com)", crawlerFields, crawlerShape, pythonSetup},
	{"amazonbot", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_1) AppleWebKit/600.2.5 (KHTML, like Gecko) Version/8.0.2 Safari/600.2.5 (Amazonbot/0.1; +https://developer.amazon.com/support/amazonbot)", crawlerFields, crawlerShape, javaSetup},
	{"petal", "Mozilla/5.0 (compatible;PetalBot;+https://webmaster.petalsearch.com/site/petalbot)", crawlerFields, crawlerShape, goSetup},
	{"gptbot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", crawlerFields, crawlerShape, pythonSetup},
	{"oai-search", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; OAI-SearchBot/1.#; +https://openai.com/searchbot", crawlerFields, crawlerShape, pythonSetup},
	{"meta", "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)", crawlerFields, crawlerShape, curlSetup},
	{"archive", "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)", crawlerFields, crawlerShape, javaSetup},
	{"seznam", "Mozilla/5.0 (compatible; SeznamBot/4.0; +http://napoveda.seznam.cz/seznambot-intro/)", crawlerFields, crawlerShape, goSetup},
	{"own-crawler", "%s-crawler/0.# (+https://%s.example/bot)|Mozilla/5.0 (compatible; %sbot/1.#; +https://%s.example)", crawlerFields, crawlerShape, javaSetup},
}

// previewers fetch links that people have posted.
var previewers = []libraryKind{
	{"twitter", "Twitterbot/1.0", crawlerFields, crawlerShape, goSetup},
	{"slack", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", crawlerFields, crawlerShape, goSetup},
	{"discord", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", crawlerFields, crawlerShape, rustSetup},
	{"telegram", "TelegramBot (like TwitterBot)", crawlerFields, crawlerShape, curlSetup},
	{"whatsapp", "WhatsApp/2.2#.13 A", "user-agent,accept:*/*", crawlerShape, okhttpSetup},
	{"linkedin", "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)", crawlerFields, crawlerShape, javaSetup},
	{"skype", "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com", crawlerFields, crawlerShape, javaSetup},
}

const crawlerFields = "Accept:text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8|Accept-Encoding:gzip, deflate, br|User-Agent|Connection:keep-alive"

var crawlerShape = tlsShape{"13", 16, 11, "h1"}

// newLibrary returns a program of a kind with a random version.
func newLibrary(d *dice, kinds []libraryKind, secret uint64) *program {
	k := pick(d, kinds)
	agents := strings.Split(k.agent, "|")
	p := &program{name: k.name, engine: library, agent: version(d, pick(d, agents))}
	shape := k.shape
	shape.extensions += d.n(2) // of the TLS library's version
	if shape.alpn == "h2" && d.chance(0.25) {
		shape.alpn = "h1"
	}
	p.dress(fmt.Sprint(k.name, shape.extensions), shape, k.setup, secret)
	for _, f := range strings.Split(k.fields, "|") {
		name, value, _ := strings.Cut(f, ":")
		if name == "Host" {
			p.hostAt = len(p.fields)
			continue
		}
		if p.http2 {
			if name = strings.ToLower(name); name == "connection" || name == "te" {
				continue
			}
		}
		if strings.EqualFold(name, "User-Agent") {
			value = "-" // filled in when it is sent
		}
		if name != "" {
			p.fields = append(p.fields, Field{name, value})
		}
	}
	return p
}

// version fills in a user agent's pattern: # is a number, %s a made-up name.
func version(d *dice, pattern string) string {
	if strings.Contains(pattern, "%s") {
		pattern = strings.ReplaceAll(pattern, "%s", d.word())
	}
	for strings.Contains(pattern, "#") {
		pattern = strings.Replace(pattern, "#", fmt.Sprint(d.from(1, 9)), 1)
	}
	return pattern
}
