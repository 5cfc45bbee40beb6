package simulator

// browser is a program that people use, by what it sends.
type browser struct {
	agent    string
	hints    string // Sec-CH-UA; empty if the engine sends none
	plain    bool   // sends no Sec-Fetch headers: too old, or too simple
	textOnly bool   // shows no images and runs no scripts
}

const (
	chrome143 = `"Google Chrome";v="143", "Chromium";v="143", "Not A(Brand";v="24"`
	chrome142 = `"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`
	edge143   = `"Microsoft Edge";v="143", "Chromium";v="143", "Not A(Brand";v="24"`
	opera125  = `"Opera";v="125", "Not?A_Brand";v="8", "Chromium";v="141"`
	samsung29 = `"Chromium";v="136", "Samsung Internet";v="29.0", "Not.A/Brand";v="99"`
	chrome109 = `"Not_A Brand";v="99", "Google Chrome";v="109", "Chromium";v="109"`
)

// desktopBrowsers repeats the frequent ones.
var desktopBrowsers = []browser{
	{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", hints: chrome143},
	{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", hints: chrome143},
	{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", hints: chrome143},
	{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", hints: chrome142},
	{agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", hints: chrome143},
	{agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", hints: chrome143},
	{agent: "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", hints: chrome142},
	{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0", hints: edge143},
	{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0", hints: opera125},
	{agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0"},
	{agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:146.0) Gecko/20100101 Firefox/146.0"},
	{agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	{agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15"},
	{agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15"},
}

var mobileBrowsers = []browser{
	{agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"},
	{agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"},
	{agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36", hints: chrome143},
	{agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36", hints: chrome142},
	{agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/143.0.7499.92 Mobile/15E148 Safari/604.1"},
	{agent: "Mozilla/5.0 (Android 15; Mobile; rv:146.0) Gecko/146.0 Firefox/146.0"},
	{agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36", hints: samsung29},
}

// oddBrowsers are rare browsers of real people.
var oddBrowsers = []browser{
	{agent: "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36", hints: chrome109},
	{agent: "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0"},
	{agent: "Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1", plain: true},
	{agent: "Mozilla/5.0 (X11; Linux i686; rv:52.0) Gecko/20100101 Firefox/52.0", plain: true},
	{agent: "Lynx/2.9.2 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.8.3", plain: true, textOnly: true},
	{agent: "w3m/0.5.3+git20230121", plain: true, textOnly: true},
}

// toolAgents are user agents of programs and libraries.
var toolAgents = []string{
	"curl/8.14.1", "python-requests/2.32.5", "Go-http-client/1.1", "Go-http-client/2.0", "axios/1.12.2",
	"Apache-HttpClient/4.5.14 (Java/17.0.16)", "okhttp/4.12.0", "python-httpx/0.28.1",
}

// probeAgents are user agents of scanners and of unknown programs.
var probeAgents = []string{
	"", "", "Mozilla/5.0 zgrab/0.x", "python-requests/2.31.0", "Go-http-client/1.1", "curl/7.88.1",
	"Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)", "Mozilla/5.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
}

// crawlerAgents are user agents of declared crawlers.
var crawlerAgents = []string{
	"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
	"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
	"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; +https://openai.com/gptbot)",
	"Mozilla/5.0 (compatible; DemoCrawler/1.0; +https://crawler.demo.test/about)",
	"Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
}

var languages = []string{
	"en-US,en;q=0.9", "en-US,en;q=0.5", "en-GB,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr-FR,fr;q=0.9,en;q=0.7",
	"es-ES,es;q=0.9", "pt-BR,pt;q=0.9,en;q=0.6", "nl-NL,nl;q=0.9,en;q=0.8", "it-IT,it;q=0.9",
}

// outsideReferers are the referers of first pages; the empty one means a bookmark or a typed
// address.
var outsideReferers = []string{
	"", "", "https://www.google.com/", "https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/",
	"https://www.reddit.com/", "https://news.example/",
}
