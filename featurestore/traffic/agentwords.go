package traffic

import "github.com/headgate/headgate/internal/base/wordmatch"

// agentMark is what a word in a user agent says.
type agentMark uint8

// The marks. Those from markChrome on name a browser or a system, whose version stands behind the
// word.
const (
	// a longer word that ends with another, which then says nothing
	markHarmless agentMark = iota
	// what crawlers, monitors, link previews and scanners call themselves
	markCrawler
	// the name of a site, which the apps of shops are named after as well
	markSite
	markAt   // the at sign of a contact address, perhaps
	markTool // an HTTP library, a command-line client or a probing tool
	// a library that the apps of telephones use: a tool only where the user agent begins with it
	markLibrary
	markHeadless // a browser that a program drives
	// an app, a telephone, a player, a text browser: used by a person
	markDevice
	markEngine    // a rendering engine, as every browser has
	markWebKit    // of these WebKit, which needs a comment behind it
	markLikeGecko // that comment
	markGecko     // an engine, too
	// the WebKit that Chrome has named since version 28, at its place and at the end
	markWebKit537
	markSafari537 //
	markWebView   // a web view of Android
	markBlanks    // two blanks in a row
	markMozilla   // how every browser begins
	markMobile    // a telephone or tablet
	markTrident7  // Internet Explorer 11, which does not name itself
	markSystemX   // Mac OS X, and what iOS writes in its place
	// in the order of precedence among Chrome and Safari: see browserMarks
	markChrome
	markSafari         //
	markVersion        // Version/, which Safari and Android's browser have
	markOperaMini      //
	markOpera          //
	markChromeIOS      //
	markFirefox        //
	markExplorer       //
	markEdge           //
	markSamsung        //
	markHeadlessChrome //
	markInApp          //
	markVivaldi        //
	markAndroid        //
	markIPhone         //
	markIPad           //
	markWindows        //
	markWindowsPhone   //
	markMacintosh      //
	markLinux          //
	markChromeOS       //
	markOtherOS        //
	numAgentMarks
)

// agentWords are the words by mark, in lower case. One that begins with ^ counts only where no
// letter is before it, one that ends with $ only where none is behind it.
//
// Words for crawlers are common nouns and a few well-known names, not a list of programs: such a
// list needs care every week, and TestDeclaredCrawlers measures how far the nouns get. What is
// neither a browser's user agent nor an app's is a tool's without any word (see reading.isProgram).
var agentWords = [numAgentMarks][]string{
	markHarmless: {"cubot$", "camscanner"}, // a maker of telephones, an app
	markCrawler: {
		"bot$", "bots$", "robot", "crawl", "spider", "slurp", "http://", "https://", "+http",
		"www.", "mailto:",
		"archiv", "fetcher", "^fetch", "scan$", "scanner", "^scan", "monitor", "^check$", "checker",
		"linkcheck", "preview", "validator",
		"^feed", "feedparser", " rss", "rss/", "rss-", "rss reader", "rssreader", "pingdom",
		"uptime", "index", "scrap", "extract", "harvest", "gpt", "claude", "anthropic",
		"openai",
		"perplexity", "mistralai", "cohere-ai", "google-", "-google", "googleother",
		"google favicon", "googleweblight", "google page speed",
		"google search console", "googleassociation", "googleimageproxy", "googleagent",
		"imageproxy", "mediapartners", "facebookexternalhit", "facebookcatalog",
		"meta-external", "whatsapp/",
		"bytespider", "-user/", "-ai/", "lighthouse", "synthetic", "catchpoint", "observatory",
		"agent/", "agent$", "gomezagent", "contact", "survey", "sitemap",
		"translat", "screenshot", "^inspect", "inspector", "ghost inspector", "analyzer",
		"analyser", "classifier", "downloader", "finder", "watcher", "^audit", "auditor",
		"optimizer",
		"favicon", "webhook", "expander", "unfurl", "onebox", "prerender", "site24x7", "statuscake",
		"gtmetrix", "ptst/", "securityheaders",
		"siteimprove", "hardenize", "dareboost", "thousandeyes", "nutch", "ichiro", "heritrix",
		"research", "security", "vulnerab", "qualys", "nessus",
		"openvas", "acunetix", "netsparker", "burpcollaborator", "^seo", "seo$", "page speed",
		"pagespeed", "speedcurve", "searchbot", "dataprovider", "reader.com",
		"subscribers", "newsblur", "feedly", "^recon", "verifier", "verify", "verification",
		"appinsights", "healthcheck", "health check", "health-check",
		"kube-probe", "^probe", "prober", "transcoder", "^devin/", "^cursor/", "^trae/",
	},
	markSite: {".com$", ".org$", ".io$"},
	markAt:   {"@"},
	markTool: {
		"curl", "wget", "python", "^java/", "go-http-client", "libwww-perl", "lwp-", "lwp::",
		"^perl", "ruby", "^php", "axios", "node-fetch",
		"undici", "guzzle", "httpclient", "http-client", "http client", "aiohttp", "httpx",
		"requests", "winhttp", "powershell", "postman",
		"insomnia", "urllib", "mechanize", "scrapy", "rest-client", "restsharp", "reqwest",
		"^hyper/", "httpie", "faraday", "typhoeus", "jakarta", "jetty",
		"^ahc/", "zgrab", "masscan", "nmap", "nikto", "sqlmap", "nuclei", "gobuster", "feroxbuster",
		"dirbuster", "wpscan", "fuzz", "apachebench",
		"httrack", "httpunit", "http_get", "l9explore", "l9tcpid", "whatweb", "zmeu", "jorgee",
		"wfuzz", "hydra", "arachni", "colly", "resty",
		"indy library", "user-agent:", "useragent",
	},
	markLibrary: {"okhttp", "dart/", "alamofire", "ktor"},
	markHeadless: {
		"headless", "phantomjs", "slimerjs", "selenium", "webdriver", "puppeteer", "playwright",
		"cypress/", "splash", "htmlunit", "zombie.js", "casperjs",
		"jsdom", "lightpanda", "electron.net",
	},
	markDevice: {
		"cfnetwork", "dalvik/", "darwin/", "^ios", "^fban", "^fbav", "^fb_iab", "viber/",
		"quicktime", "outlook", "microsoft office", "ms-office",
		"msoffice", "exoplayer", "playstation", "^ps4", "^ps5", "nintendo", "xbox", "roku", "sonos",
		"smart-tv", "smarttv", "hbbtv", "tizen", "web0s", "webos",
		"appletv", "apple tv", "tvos", "watchos", "midp", "j2me", "symbian", "series60", "series40",
		"blackberry", "nokia", "netfront", "up.browser", "ucweb",
		"ucbrowser", "dolfin", "novarra", "obigo", "kaios", "windows ce", "windows mobile", "^maui",
		"opera/", "^opera ", "lynx/", "^links (", "^elinks", "w3m/", "dillo/", "netsurf/",
		"amiga", "ibrowse",
		"mosaic/", "netpositive", "galaxyclient", "^htc", "build/", "scale/", "openharmony",
		"harmonyos", "^vlc/", "^mpv", "lavf/", "itunes/", "applecoremedia",
		"stagefright", "^ddg", "win10", "win64", "macos", "googleapp/", "mozacfetch", "ms search",
	},
	markEngine: {"webkit/", "presto/", "trident/", "khtml/", "konqueror", "goanna/",
		"servo/", "icab", "omniweb", "amiga-aweb", "charon;"},
	markWebKit:         {"applewebkit/", "applewebkit /"},
	markLikeGecko:      {"(khtml, like gecko", "(khtml,like gecko"},
	markGecko:          {"gecko/"},
	markWebKit537:      {"applewebkit/537.36 "},
	markSafari537:      {"safari/537.36"},
	markWebView:        {"; wv)"},
	markBlanks:         {"  "},
	markMozilla:        {"mozilla/5.0 ("},
	markMobile:         {"mobile", "tablet"},
	markTrident7:       {"trident/7.0"},
	markSystemX:        {"mac os x ", "iphone os ", "cpu os "},
	markChrome:         {"chrome/"},
	markSafari:         {"safari/"},
	markVersion:        {"version/"},
	markOperaMini:      {"opera mini/"},
	markOpera:          {"opr/", "^opt/", "opios/"},
	markChromeIOS:      {"crios/"},
	markFirefox:        {"firefox/", "fxios/"},
	markExplorer:       {"msie "},
	markEdge:           {"^edg/", "^edga/", "^edgios/", "^edge/"},
	markSamsung:        {"samsungbrowser/"},
	markHeadlessChrome: {"headlesschrome/"},
	markInApp:          {"^fban/", "^fb_iab/", "instagram ", "bytedancewebview"},
	markVivaldi:        {"vivaldi/"},
	markAndroid:        {"android"},
	markIPhone:         {"iphone"},
	markIPad:           {"ipad"},
	markWindows:        {"windows nt"},
	markWindowsPhone:   {"windows phone"},
	markMacintosh:      {"macintosh"},
	markLinux:          {"linux"},
	markChromeOS:       {"^cros "},
	markOtherOS:        {"freebsd", "openbsd", "netbsd"},
}

// agentMatcher finds the words, and agentMeanings has the meaning of each.
var agentMatcher, agentMeanings = func() (*wordmatch.Matcher, []meaning) {
	var words []wordmatch.Word
	var meanings []meaning
	for mark, texts := range agentWords {
		for _, text := range texts {
			w := wordmatch.Anchored(text)
			words, meanings = append(words, w),
				append(meanings, meaning{agentMark(mark), len(w.Text)})
		}
	}
	return wordmatch.New(words), meanings
}()

// meaning is what one word says.
type meaning struct {
	mark   agentMark
	length int // of the word
}
