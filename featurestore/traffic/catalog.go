package traffic

import (
	"slices"
	"time"
)

// The windows of the catalog.
const (
	seconds10 = 10 * time.Second
	minute    = time.Minute
	minutes10 = 10 * time.Minute
	hour      = time.Hour
	day       = 24 * time.Hour
)

// Catalog lists every inter-request feature, grouped by dimension in the dimensions' order. It is
// the only list of them: to add a feature, add an entry. The caller owns the slice.
func Catalog() []Feature {
	return slices.Concat(
		on(DimIP, requests, volume, load, behaviour, gaps, []Feature{
			distinct("agents", ObjectAgents, "one address with many user agents rotates them, or is a shared gateway"),
			distinct("hosts", ObjectHosts, "scanners try every host they find"),
			distinct("wires", ObjectWires, "several programs behind one address: a gateway, or a rotating client"),
			distinct("sessions", ObjectSessions,
				"many sessions from one address: a gateway, or one that drops its cookies"),
			share("new_agent", MeasureNewAgents, MeasureAgentKnown,
				"a user agent that this address never had, again and again: it rotates them"),
			per("agent", ObjectAgents, "what each person behind a gateway asks for"),
		}, open, memory, logins),
		on(DimNet, requests, load, []Feature{
			distinct("addresses", ObjectAddresses, "a crawl spread over a network shows only here"),
			distinct("agents", ObjectAgents, "one user agent from many addresses of a network is one program"),
			distinct("paths", ObjectPaths, "how wide the network as a whole looks around"),
			newAddresses,
			strangers,
			share("not_found", MeasureNotFound, MeasureRequests,
				"guessing, spread over the network"),
			share("asset", MeasureAssets, MeasureRequests,
				"browsers fetch what pages need; spread-out crawlers do not"),
			usual("not_found", MeasureNotFound, MeasureRequests,
				"guessing is what most of the network does, not one address of it"),
			usual("asset", MeasureAssets, MeasureRequests,
				"whether most of the network renders pages"),
		}, open),
		on(DimNet64, requests, []Feature{
			distinct("addresses", ObjectAddresses,
				"an IPv6 client that changes its address with every request shows here"),
			distinct("agents", ObjectAgents, "one network with many user agents is several people, or one that rotates them"),
			distinct("paths", ObjectPaths, "how wide the network as a whole looks around"),
			share("not_found", MeasureNotFound, MeasureRequests, "guessing, spread over addresses"),
			share("asset", MeasureAssets, MeasureRequests, "browsers fetch what pages need"),
			newAddresses,
			share("new_agent", MeasureNewAgents, MeasureAgentKnown,
				"addresses and user agents that change together"),
			per("address", ObjectAddresses, "a fresh address for each request leaves one to each"),
			authFailures,
			postsRepeated,
			peakRequests,
		}),
		on(DimUserAgent, requests, load, []Feature{
			distinct("addresses", ObjectAddresses, "how widely the user agent is in use"),
			distinct("networks", ObjectNetworks,
				"the same, by network: a program in one data centre has few"),
			newAddresses,
			{Name: "client_share_24h", Unit: "share",
				Fold: Fold{Kind: FoldFraction, Window: UsualWindow, Measure: MeasureNewClients,
					Per: MeasureAllClients},
				Why: "of the site's clients, a network once in half a day: made-up user agents are rare, and people's are not"},
			{Name: "version_lag", Unit: "versions",
				Fold: Fold{Kind: FoldLast, Measure: MeasureVersionLag},
				Why:  "browsers update themselves, copied user agents fall behind those of people"},
			share("not_found", MeasureNotFound, MeasureRequests,
				"a tool's user agent shows in what it asks for"),
			share("asset", MeasureAssets, MeasureRequests,
				"whether the things that send it render pages"),
			usual("not_found", MeasureNotFound, MeasureRequests,
				"a tool's user agent, however many others copy it"),
			usual("asset", MeasureAssets, MeasureRequests,
				"a browser's user agent, however many others copy it"),
		}, agent),
		on(DimWire, requests, []Feature{
			distinct("addresses", ObjectAddresses, "how widely the program is in use"),
			distinct("agents", ObjectAgents, "one program under many user agents: they are made up"),
			distinct("programs", ObjectPrograms,
				"one program that claims to be many, and not some versions of one browser"),
			newAddresses,
			share("not_found", MeasureNotFound, MeasureRequests,
				"a tool shows in what it asks for"),
			usual("not_found", MeasureNotFound, MeasureRequests,
				"a tool, however many others look like it"),
		}),
		on(DimProgramWire, []Feature{
			{Name: "program_share_24h", Unit: "share",
				Fold: Fold{Kind: FoldFraction, Window: UsualWindow, Measure: MeasureNewWireClients,
					Per: MeasureProgramClients},
				Why: "of the clients that claim to be this program in this version, a network once in half a day: most look one way, a copied user agent another"},
		}),
		on(DimHost, requests, []Feature{
			distinct("addresses", ObjectAddresses, "how many clients the host has now"),
			newAddresses,
			share("server_error", MeasureServerErrors, MeasureRequests,
				"whether the host is in trouble"),
			{Name: "seconds_per_request_10m", Unit: "s",
				Fold: Fold{Kind: FoldShare, Window: minutes10, Measure: MeasureOriginSeconds,
					Per: MeasureRequests},
				Why: "how slow the host answers"},
			share("auth_failure", MeasureAuthFailures, MeasureRequests,
				"whether somebody tries passwords now, from however many addresses"),
			usual("asset", MeasureAssets, MeasureRequests,
				"a site with its assets elsewhere has people without any"),
			usual("script", MeasureScripts, MeasureRequests,
				"on a PHP site everybody asks for scripts"),
			usual("not_found", MeasureNotFound, MeasureRequests, "some sites have dead links"),
			usual("no_referer", MeasureNoReferer, MeasureRefererKnown,
				"some sites tell browsers to send none"),
			usual("unshared", MeasureUnshared, MeasureRequests,
				"some sites have a page for each of their people"),
		}, open),
		on(DimSession, requests, behaviour, []Feature{
			distinct("addresses", ObjectAddresses,
				"a session seen from many addresses is shared or stolen"),
			distinct("agents", ObjectAgents, "a session under several user agents is a replayed cookie"),
		}, open),
		on(DimIPAgent, requests, volume, load, behaviour, gaps, memory, logins, links, pageGaps,
			excess),
	)
}

// requests are how often, for every dimension.
var requests = []Feature{
	{Name: "requests_10s", Unit: "requests", Fold: Fold{Kind: FoldSum, Window: seconds10,
		Measure: MeasureRequests},
		Why: "bursts"},
	{Name: "requests_1m", Unit: "requests", Fold: Fold{Kind: FoldSum, Window: minute,
		Measure: MeasureRequests},
		Why: "a person's page views with their assets stay below what a loop does"},
	{Name: "requests_10m", Unit: "requests", Fold: Fold{Kind: FoldSum, Window: minutes10,
		Measure: MeasureRequests},
		Why: "people pause"},
	{Name: "requests_1h", Unit: "requests", Fold: Fold{Kind: FoldSum, Window: hour,
		Measure: MeasureRequests},
		Why: "people leave"},
	{Name: "acceleration_10s", Unit: "ratio", Fold: Fold{Kind: FoldAcceleration, Window: seconds10,
		Measure: MeasureRequests},
		Why: "a page load is a burst after silence, a loop is even"},
}

// open is how many requests are open, long before any of them ends.
var open = []Feature{
	{Name: "open_10s", Unit: "requests", Fold: Fold{Kind: FoldOpen, Window: seconds10},
		Why: "slow readers and floods of websockets hold requests open"},
}

// volume is how much, for clients.
var volume = []Feature{
	{Name: "bytes_per_second_10m", Unit: "B/s",
		Fold: Fold{Kind: FoldRate, Window: minutes10, Measure: MeasureBytes},
		Why:  "scraping moves data"},
	authFailures,
	{Name: "bytes_per_request_10m", Unit: "B",
		Fold: Fold{Kind: FoldShare, Window: minutes10, Measure: MeasureBytes, Per: MeasureRequests},
		Why:  "pages and downloads are large, errors and probes small"},
	{Name: "seconds_per_request_10m", Unit: "s",
		Fold: Fold{Kind: FoldShare, Window: minutes10, Measure: MeasureOriginSeconds,
			Per: MeasureRequests},
		Why: "searches and exports are slow: the expensive things are being asked for"},
	{Name: "age", Unit: "s", Fold: Fold{Kind: FoldAge}, Why: "how long the client has been around"},
	{Name: "hour_entropy", Unit: "bits", Fold: Fold{Kind: FoldHourEntropy}, Why: "people sleep"},
}

var authFailures = Feature{Name: "auth_failures_10m", Unit: "responses",
	Fold: Fold{Kind: FoldSum, Window: minutes10, Measure: MeasureAuthFailures},
	Why:  "credential stuffing fails most of the time"}

// logins are what trying passwords looks like, also where the site answers all of them alike.
var logins = []Feature{
	postsRepeated,
	share("auth_failure", MeasureAuthFailures, MeasureRequests,
		"people mistype a password once or twice, then they are in"),
}

var postsRepeated = Feature{Name: "posts_repeated_10m", Unit: "requests",
	Fold: Fold{Kind: FoldSum, Window: minutes10, Measure: MeasurePostsRepeated},
	Why:  "one form sent over and over, whatever is answered"}

// links show whether a client came from where its Referer says.
var links = []Feature{
	share("links_followed", MeasureLinksFollowed, MeasureLinks,
		"browsers come from a page that they fetched; a forged Referer names one that was not"),
}

// excess is how a client differs from what is usual of the host, so that people are judged by what
// people do there.
var excess = []Feature{
	beyond("asset", UsualShares[0], "fetches fewer assets than people do on this site"),
	beyond("script", UsualShares[1], "asks for more scripts than people do on this site"),
	beyond("not_found", UsualShares[2], "finds less than people do on this site"),
	beyond("no_referer", UsualShares[3], "leaves out the Referer where people on this site send one"),
	beyond("unshared", UsualShares[4], "asks for what nobody else asks for, more than people do on this site"),
	share("unshared", MeasureUnshared, MeasureRequests,
		"guesses and old links, and pages that nobody reads"),
}

// newAddresses shows a crawl that takes another address for each few requests.
var newAddresses = share("new_address", MeasureNewAddresses, MeasureRequests,
	"addresses that nobody saw before, a few requests each: a swarm")

// strangers distinguishes a network that takes another address for each few requests from one with
// many people, who ask for as much as people do on the site. After a few requests its value is
// small, so that a single newcomer does not look like such a network.
var strangers = Feature{Name: "new_address_excess_10m", Unit: "share",
	Why: "new addresses more often than people have on this site: one client that changes its address",
	Fold: Fold{Kind: FoldExcess, Window: minutes10, Measure: MeasureNewAddresses,
		Usual: MeasureUsualNewAddresses, Per: MeasureRequests, Damp: 8}}

// per is how many requests there are for each of the things of a kind.
func per(what string, object Object, why string) Feature {
	return Feature{Name: "requests_per_" + what + "_10m", Unit: "requests", Why: why,
		Fold: Fold{Kind: FoldPerObject, Window: minutes10, Measure: MeasureRequests,
			Object: object}}
}

func beyond(what string, u UsualShare, why string) Feature {
	return Feature{Name: what + "_excess_10m", Unit: "share", Why: why,
		Fold: Fold{Kind: FoldExcess, Window: minutes10, Measure: u.Measure, Usual: u.Usual,
			Per: u.Per}}
}

func usual(what string, measure, per Measure, why string) Feature {
	return Feature{Name: "usual_" + what + "_share_24h", Unit: "share", Why: why,
		Fold: Fold{Kind: FoldUsual, Window: UsualWindow, Measure: measure, Per: per}}
}

// memory is what is known of a client for a day, as long as it keeps its row.
var memory = []Feature{
	{Name: "requests_24h", Unit: "requests", Fold: Fold{Kind: FoldSum, Window: day,
		Measure: MeasureRequests},
		Why: "low and slow, and who was here before"},
	peakRequests,
	{Name: "peak_client_errors_1m", Unit: "responses",
		Fold: Fold{Kind: FoldPeak, Window: minute, Memory: day, Keep: 30,
			Measure: MeasureClientErrors},
		Why: "a scan or a run of failed logins is remembered when it is over"},
}

var peakRequests = Feature{Name: "peak_requests_10s", Unit: "requests",
	Fold: Fold{Kind: FoldPeak, Window: seconds10, Memory: day, Keep: 200, Measure: MeasureRequests},
	Why:  "the worst ten seconds of a day: a flood is remembered when it is over"}

// load is how much of a host's work is done for a key. A key that asks for several hosts has the
// sum of its shares.
var load = []Feature{
	{Name: "host_share_10m", Unit: "share", Fold: Fold{Kind: FoldPart, Window: HostWindow,
		Measure: MeasureHostPart},
		Why: "of the host's requests: who carries the traffic"},
	{Name: "upstream_share_10m", Unit: "share",
		Fold: Fold{Kind: FoldPart, Window: HostWindow, Measure: MeasureOriginPart},
		Why:  "of the host's time: who costs what the origin has"},
}

// behaviour is what is asked for, for clients and sessions.
var behaviour = []Feature{
	distinct("paths", ObjectPaths, "crawlers seldom ask twice"),
	share("client_error", MeasureClientErrors, MeasureRequests, "guessing earns errors"),
	share("server_error", MeasureServerErrors, MeasureRequests,
		"injections and overload end in 5xx"),
	share("not_found", MeasureNotFound, MeasureRequests, "links lead somewhere, guesses do not"),
	{Name: "not_found_streak", Unit: "responses",
		Fold: Fold{Kind: FoldStreak, Measure: MeasureNotFound},
		Why:  "nobody follows ten dead links in a row"},
	share("head", MeasureHeads, MeasureRequests, "browsers hardly send HEAD"),
	share("post", MeasurePosts, MeasureRequests, "logins and forms tried in a loop"),
	share("script", MeasureScripts, MeasureRequests,
		"scripts by name, where the site may have none"),
	share("asset", MeasureAssets, MeasureRequests, "browsers fetch what a page needs"),
	{Name: "assets_per_page_10m", Unit: "ratio",
		Fold: Fold{Kind: FoldShare, Window: minutes10, Measure: MeasureAssets, Per: MeasurePages},
		Why:  "a page brings its assets along, unless a cache has them"},
	{Name: "pages_since_asset", Unit: "requests",
		Fold: Fold{Kind: FoldSince, Measure: MeasurePages, Per: MeasureAssets},
		Why:  "page after page without a style sheet is not a browser"},
	share("no_referer", MeasureNoReferer, MeasureRefererKnown,
		"assets and clicked links carry a referer"),
	share("no_cookie", MeasureNoCookie, MeasureCookieKnown, "browsers bring cookies back"),
	{Name: "robots_seen", Unit: "bool", Fold: Fold{Kind: FoldSeen, Measure: MeasureRobotsFiles},
		Why: "only programs read robots.txt"},
	{Name: "path_entropy_10m", Unit: "bits", Fold: Fold{Kind: FoldPathEntropy, Window: minutes10},
		Why: "browsing mixes kinds of paths, tools do one thing"},
}

// gaps are the times between requests, for clients.
var gaps = []Feature{
	{Name: "gap_mean", Unit: "log2 ms", Fold: Fold{Kind: FoldGapMean}, Why: "pace"},
	{Name: "gap_min", Unit: "s", Fold: Fold{Kind: FoldGapMin, Window: hour},
		Why: "nothing faster than this was seen within the hour"},
	{Name: "gap_variation", Unit: "ratio", Fold: Fold{Kind: FoldGapVariation},
		Why: "timers are regular"},
	{Name: "gap_entropy", Unit: "bits", Fold: Fold{Kind: FoldGapEntropy},
		Why: "people mix bursts and pauses"},
}

// pageGaps are the times between what a person opens, without the assets that follow by themselves.
var pageGaps = []Feature{
	{Name: "page_gap_mean", Unit: "log2 ms", Fold: Fold{Kind: FoldGapMean,
		Measure: MeasureDocuments},
		Why: "people read a page before the next"},
	{Name: "page_gap_variation", Unit: "ratio",
		Fold: Fold{Kind: FoldGapVariation, Measure: MeasureDocuments},
		Why:  "timers between pages are regular, whatever each page brings along"},
	{Name: "page_gap_entropy", Unit: "bits", Fold: Fold{Kind: FoldGapEntropy,
		Measure: MeasureDocuments},
		Why: "people skim and read"},
}

// agent is what a user agent says of itself. A request has the same in its request/agent_
// features, which are known at a user agent's first request too.
var agent = []Feature{
	fact("crawler", "bool", AgentCrawler),
	fact("tool", "bool", AgentTool),
	fact("headless", "bool", AgentHeadless),
	fact("browser", "code", AgentBrowser),
	fact("browser_version", "version", AgentBrowserVersion),
	fact("os", "code", AgentOS),
	fact("os_version", "version", AgentOSVersion),
	fact("mobile", "bool", AgentMobile),
	fact("oddities", "count", AgentOddities),
}

// agentReasons say why each fact is a feature.
var agentReasons = [NumAgentFacts]string{
	AgentCrawler:        "declares itself a crawler, monitor, preview or scanner",
	AgentTool:           "an HTTP library or a command-line program, or neither a browser, an app nor a device",
	AgentHeadless:       "a browser that a program drives",
	AgentBrowser:        "0 none, 1 Chrome, 2 Safari, 3 Firefox, 4 Edge, 5 Opera, 6 Samsung, 7 Internet Explorer, 8 in an app, 9 other",
	AgentBrowserVersion: "browsers update themselves, copied user agents grow old",
	AgentOS:             "0 none, 1 Windows, 2 macOS, 3 Linux, 4 Android, 5 iOS, 6 ChromeOS, 7 other; servers run Linux",
	AgentOSVersion:      "made-up user agents have systems that nobody uses any more",
	AgentMobile:         "a telephone or tablet",
	AgentOddities:       "what no browser sends: a browser's user agent copied with mistakes",
}

func fact(name, unit string, f AgentFact) Feature {
	return Feature{Name: name, Unit: unit, Fold: Fold{Kind: FoldAgent, Fact: f},
		Why: agentReasons[f]}
}

func distinct(what string, object Object, why string) Feature {
	return Feature{Name: "distinct_" + what + "_10m", Unit: what, Why: why,
		Fold: Fold{Kind: FoldDistinct, Window: minutes10, Object: object}}
}

func share(what string, measure, per Measure, why string) Feature {
	return Feature{Name: what + "_share_10m", Unit: "share", Why: why,
		Fold: Fold{Kind: FoldShare, Window: minutes10, Measure: measure, Per: per}}
}

// on puts groups of features on a dimension.
func on(d Dimension, groups ...[]Feature) []Feature {
	features := slices.Concat(groups...)
	for i := range features {
		features[i].Dimension = d
	}
	return features
}
