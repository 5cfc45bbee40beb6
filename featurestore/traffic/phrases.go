package traffic

// Topics and subjects of several phrases.
const (
	topicPace    = "the pace of requests"
	topicSpread  = "how much was asked for"
	topicErrors  = "errors"
	topicLogins  = "logins"
	topicAssets  = "assets of pages"
	topicReferer = "Referers"
	topicCookies = "cookies"
	topicPauses  = "pauses between requests"
	topicMany    = "how many share it"
	topicMethods = "methods"
	topicScripts = "scripts"
	topicLoad    = "load"
	topicVolume  = "bytes"
	topicHours   = "hours"
	topicPath    = "the path"
	topicAgent   = "what the user agent says"
	userAgent    = "the user agent"
	topicTLS     = "TLS"
	topicClaims  = "whether header fields fit the user agent"
	topicFetch   = "Sec-Fetch fields"
	topicWire    = "the order of header fields"
	topicHTTP2   = "HTTP/2 settings"
	topicHeader  = "header fields"
)

// interPhrases are the words for features between requests, by Feature.Stem: what is the same in several dimensions and
// windows has the same words.
var interPhrases = map[string]Phrase{
	"requests":              {Topic: topicPace, Text: "made %v request(s) {in}"},
	"acceleration":          {Topic: topicPace, Text: "ran at %v times the earlier pace {in}"},
	"peak_requests":         {Topic: topicPace, Text: "made up to %v request(s) {in}"},
	"open":                  {Topic: "open requests", Text: "held %v request(s) open {in}"},
	"bytes_per_second":      {Topic: topicVolume, Text: "took %v {in}"},
	"bytes_per_request":     {Topic: topicVolume, Text: "took %v a request {in}"},
	"seconds_per_request":   {Topic: topicLoad, Text: "took %v a request {in}"},
	"host_share":            {Topic: topicLoad, Text: "made %v requests to the host {in}"},
	"upstream_share":        {Topic: topicLoad, Text: "used %v time that the host took {in}"},
	"age":                   {Topic: "how long it is known", Text: "was active over %v", Zero: "was here only once before"},
	"hour_entropy":          {Topic: topicHours, Text: "was active in about %v hour(s) of the day"},
	"distinct_agents":       {Topic: "user agents", Text: "sent %v user agent(s) {in}"},
	"distinct_hosts":        {Topic: "hosts", Text: "asked %v host(s) {in}"},
	"distinct_wires":        {Topic: topicTLS, Text: "looked like %v program(s) on the wire {in}"},
	"distinct_programs":     {Topic: topicTLS, Text: "claimed to be %v program(s) {in}"},
	"distinct_sessions":     {Topic: topicCookies, Text: "sent %v session cookie(s) {in}"},
	"distinct_addresses":    {Topic: topicMany, Text: "had %v client address(es) {in}"},
	"distinct_networks":     {Topic: topicMany, Text: "had %v network(s) {in}"},
	"distinct_paths":        {Topic: topicSpread, Text: "asked for %v path(s) {in}"},
	"path_entropy":          {Topic: topicSpread, Text: "mixed about %v kind(s) of paths {in}"},
	"not_found_share":       {Topic: topicErrors, Text: "got 404 for %v requests {in}"},
	"usual_not_found_share": {Topic: topicErrors, Text: "got 404 for %v requests, as a rule"},
	"not_found_excess":      {Topic: topicErrors, Text: "got 404 %v others"},
	"not_found_streak":      {Topic: topicErrors, Text: "got 404 for the last %v request(s)", Zero: "did not get 404 for the last request"},
	"client_error_share":    {Topic: topicErrors, Text: "got 4xx for %v requests {in}"},
	"server_error_share":    {Topic: topicErrors, Text: "got 5xx for %v requests {in}"},
	"peak_client_errors":    {Topic: topicErrors, Text: "got up to %v answer(s) of 4xx {in}"},
	"auth_failures":         {Topic: topicLogins, Text: "got %v refusal(s) by 401 or 403 {in}"},
	"auth_failure_share":    {Topic: topicLogins, Text: "got 401 or 403 for %v requests {in}"},
	"posts_repeated":        {Topic: topicLogins, Text: "sent %v POST(s) again to the same path {in}"},
	"head_share":            {Topic: topicMethods, Text: "sent HEAD for %v requests {in}"},
	"post_share":            {Topic: topicMethods, Text: "sent POST for %v requests {in}"},
	"script_share":          {Topic: topicScripts, Text: "asked for a script in %v requests {in}"},
	"usual_script_share":    {Topic: topicScripts, Text: "asked for a script in %v requests, as a rule"},
	"script_excess":         {Topic: topicScripts, Text: "asked for scripts %v others"},
	"asset_share":           {Topic: topicAssets, Text: "asked for an asset in %v requests {in}", Zero: "asked for no asset {in}"},
	"usual_asset_share":     {Topic: topicAssets, Text: "asked for an asset in %v requests, as a rule"},
	"asset_excess":          {Topic: topicAssets, Text: "asked for assets %v others"},
	"assets_per_page":       {Topic: topicAssets, Text: "asked for %v assets a page {in}", Zero: "asked for pages and no asset {in}"},
	"pages_since_asset":     {Topic: topicAssets, Text: "asked for %v page(s) since the last asset", Zero: "asked for no page since the last asset"},
	"no_referer_share":      {Topic: topicReferer, Text: "sent no Referer in %v requests {in}"},
	"usual_no_referer_share": {Topic: topicReferer,
		Text: "sent no Referer in %v requests, as a rule"},
	"no_referer_excess":    {Topic: topicReferer, Text: "left out the Referer %v others"},
	"links_followed_share": {Topic: topicReferer, Text: "came from a page it fetched in %v cases {in}"},
	"new_agent_share":      {Topic: "user agents", Text: "sent a new user agent in %v requests {in}"},
	"requests_per_agent":   {Topic: "user agents", Text: "made %v request(s) with each user agent {in}"},
	"new_address_share":    {Topic: topicMany, Text: "had a new address in %v requests {in}"},
	"new_address_excess":   {Topic: topicMany, Text: "had new addresses %v others"},
	"requests_per_address": {Topic: topicMany, Text: "made %v request(s) from each address {in}"},
	"client_share":         {Topic: topicMany, Text: "were %v clients of the site {in}"},
	"program_share":        {Topic: topicTLS, Text: "were %v clients of the program {in}"},
	"version_lag":          {Topic: topicAgent, Subject: userAgent, Text: "is %v version(s) older than the newest in use", Zero: "is of the newest version in use"},
	"unshared_share":       {Topic: topicSpread, Text: "asked for rare paths in %v requests {in}"},
	"usual_unshared_share": {Topic: topicSpread, Text: "asked for rare paths in %v requests, as a rule"},
	"unshared_excess":      {Topic: topicSpread, Text: "asked for rare paths %v others"},
	"no_cookie_share":      {Topic: topicCookies, Text: "sent no cookie in %v requests {in}"},
	"robots_seen":          {Topic: "robots.txt", Text: "asked for robots.txt or the like", Zero: "never asked for robots.txt or the like"},
	"gap_mean":             {Topic: topicPauses, Text: "typically paused for %v between requests"},
	"gap_min":              {Topic: topicPauses, Text: "had %v as the shortest pause between requests"},
	"gap_variation":        {Topic: topicPauses, Text: "varied pauses between requests by %v times their mean"},
	"gap_entropy":          {Topic: topicPauses, Text: "made pauses of about %v length(s) between requests"},
	"page_gap_mean":        {Topic: topicPauses, Text: "typically paused for %v between pages"},
	"page_gap_variation":   {Topic: topicPauses, Text: "varied pauses between pages by %v times their mean"},
	"page_gap_entropy":     {Topic: topicPauses, Text: "made pauses of about %v length(s) between pages"},
}

// agentPhrases are the words for what a user agent says of itself, in the request as well as in dimension ua.
var agentPhrases = map[AgentFact]Phrase{
	AgentCrawler:  {Topic: topicAgent, Subject: userAgent, Text: "declares a crawler, monitor or scanner", Zero: "declares no crawler, monitor or scanner"},
	AgentTool:     {Topic: topicAgent, Subject: userAgent, Text: "is that of a library or command-line program", Zero: "is not that of a library or command-line program"},
	AgentHeadless: {Topic: topicAgent, Subject: userAgent, Text: "is that of a headless browser", Zero: "is not that of a headless browser"},
	AgentBrowser: {Topic: topicAgent, Subject: userAgent, Codes: map[int]string{0: "names no browser", 1: "names Chrome", 2: "names Safari", 3: "names Firefox",
		4: "names Edge", 5: "names Opera", 6: "names Samsung's browser", 7: "names Internet Explorer", 8: "names a browser within an app", 9: "names a rare browser"}},
	AgentBrowserVersion: {Topic: topicAgent, Subject: userAgent, Text: "names version %v of its browser", Zero: "names no version of a browser"},
	AgentOS: {Topic: topicAgent, Subject: userAgent, Codes: map[int]string{0: "names no system", 1: "names Windows", 2: "names macOS", 3: "names Linux",
		4: "names Android", 5: "names iOS", 6: "names ChromeOS", 7: "names a rare system"}},
	AgentOSVersion: {Topic: topicAgent, Subject: userAgent, Text: "names version %v of its system", Zero: "names no version of a system"},
	AgentMobile:    {Topic: topicAgent, Subject: userAgent, Text: "is that of a telephone or tablet", Zero: "is not that of a telephone or tablet"},
	AgentOddities:  {Topic: topicAgent, Subject: userAgent, Text: "has %v mistake(s) that no browser makes", Zero: "has no mistake of those that copies have"},
}

// requestPhrases are the words for features of a request alone, by name.
var requestPhrases = map[string]Phrase{
	"method": {Topic: topicMethods, Codes: map[int]string{0: "is no HTTP", 1: "is a GET", 2: "is a HEAD", 3: "is a POST", 4: "is an OPTIONS",
		5: "is a PUT, PATCH or DELETE", 6: "has an unusual method"}},
	"http_version": {Topic: "the version of HTTP", Codes: map[int]string{9: "came by HTTP/0.9", 10: "came by HTTP/1.0", 11: "came by HTTP/1.1",
		20: "came by HTTP/2", 30: "came by HTTP/3"}},
	"path_length": {Topic: topicPath, Text: "has a path of %v byte(s)"},
	"path_depth":  {Topic: topicPath, Text: "has a path of %v segment(s)", Zero: "has a path without a segment"},
	"path_kind": {Topic: topicPath, Codes: map[int]string{int(PathPage): "asks for a page", int(PathAsset): "asks for an asset", int(PathAPI): "calls an API",
		int(PathScript): "asks for a script by name", int(PathRobots): "asks for robots.txt or the like"}},
	"path_dots":    {Topic: topicPath, Text: "has %v dot(s) in its path"},
	"path_digits":  {Topic: topicPath, Text: "has digits in %v places of its path", Zero: "has no digit in its path"},
	"path_upper":   {Topic: topicPath, Text: "has capitals in %v places of its path", Zero: "has no capital in its path"},
	"path_special": {Topic: topicPath, Text: "has %v special character(s) in its path"},
	"path_entropy": {Topic: topicPath, Text: "has a path as varied as %v character(s)"},
	"query_length": {Topic: "the query", Text: "has a query of %v byte(s)", Zero: "has no query"},

	"agent_length":   {Topic: topicAgent, Text: "has a user agent of %v byte(s)", Zero: "has no user agent"},
	"agent_mozilla":  {Topic: topicAgent, Text: "has a user agent that begins with Mozilla/", Zero: "has no user agent that begins with Mozilla/"},
	"agent_products": {Topic: topicAgent, Text: "has a user agent that names %v product(s)"},
	"agent_digits":   {Topic: topicAgent, Text: "has digits in %v places of its user agent", Zero: "has a user agent without digits"},
	"agent_comment":  {Topic: topicAgent, Text: "has a user agent that names a platform", Zero: "has no user agent that names a platform"},
	"agent_missing":  {Topic: topicAgent, Text: "has no user agent", Zero: "has a user agent"},

	"referer":         {Topic: topicReferer, Text: "has a Referer", Zero: "has no Referer"},
	"referer_same":    {Topic: topicReferer, Text: "has a Referer of this site", Zero: "has no Referer of this site"},
	"headers":         {Topic: topicHeader, Text: "has %v header field(s)"},
	"accept_language": {Topic: topicHeader, Text: "names a language", Zero: "names no language"},
	"accept_encoding": {Topic: topicHeader, Text: "asks for a compressed answer", Zero: "does not ask for a compressed answer"},
	"cookie":          {Topic: topicCookies, Text: "has a cookie", Zero: "has no cookie"},
	"host_address":    {Topic: "hosts", Text: "names the host by its address", Zero: "names the host by its name"},
	"xhr":             {Topic: topicHeader, Text: "says that a script of a page sent it", Zero: "does not say that a script of a page sent it"},

	"tls_version":     {Topic: topicTLS, Codes: map[int]string{10: "came by TLS 1.0", 11: "came by TLS 1.1", 12: "came by TLS 1.2", 13: "came by TLS 1.3"}},
	"tls_ciphers":     {Topic: topicTLS, Text: "came by TLS with %v cipher suite(s)"},
	"tls_extensions":  {Topic: topicTLS, Text: "came by TLS with %v extension(s)"},
	"tls_server_name": {Topic: topicTLS, Text: "named the server in TLS", Zero: "did not name the server in TLS"},
	"tls_alpn": {Topic: topicTLS, Codes: map[int]string{0: "offered no protocol in TLS", 1: "offered HTTP/1.1 first in TLS", 2: "offered HTTP/2 first in TLS",
		3: "offered HTTP/3 first in TLS", 4: "offered a rare protocol first in TLS"}},
	"tls_alpn_odd": {Topic: topicTLS, Text: "speaks another version of HTTP than it offered first", Zero: "speaks the version of HTTP that it offered first"},

	"hints":              {Topic: topicClaims, Text: "has Sec-CH-UA, as Chromium's", Zero: "has no Sec-CH-UA"},
	"hints_missing":      {Topic: topicClaims, Text: "lacks the Sec-CH-UA that its user agent would send", Zero: "lacks no Sec-CH-UA that its user agent would send"},
	"hints_version_odd":  {Topic: topicClaims, Text: "has a Sec-CH-UA of another version than the user agent", Zero: "has a Sec-CH-UA that contradicts no version"},
	"hints_brand_odd":    {Topic: topicClaims, Text: "has a Sec-CH-UA of another browser than the user agent", Zero: "has a Sec-CH-UA that contradicts no browser"},
	"hints_platform_odd": {Topic: topicClaims, Text: "has a Sec-CH-UA of another system than the user agent", Zero: "has a Sec-CH-UA that contradicts no system"},
	"sec_fetch":          {Topic: topicFetch, Text: "says what it is for (Sec-Fetch-Mode)", Zero: "does not say what it is for (Sec-Fetch-Mode)"},
	"fetch_mode": {Topic: topicFetch, Codes: map[int]string{0: "says no usual Sec-Fetch-Mode", 1: "says that it navigates to a page", 2: "says that it is for a part of a page",
		3: "says that a script asks (cors)"}},
	"fetch_site": {Topic: topicFetch, Codes: map[int]string{0: "says that it comes from no site", 1: "says that it comes from this site",
		2: "says that it comes from a sibling of this site", 3: "says that it comes from another site"}},
	"fetch_user":     {Topic: topicFetch, Text: "says that somebody clicked or typed", Zero: "does not say that somebody clicked or typed"},
	"fetch_odd":      {Topic: topicFetch, Text: "has Sec-Fetch fields that contradict each other", Zero: "has no Sec-Fetch fields that contradict each other"},
	"fetch_path_odd": {Topic: topicFetch, Text: "says that it navigates to what is no page", Zero: "does not say that it navigates to what is no page"},
	"fetch_missing":  {Topic: topicFetch, Text: "lacks the Sec-Fetch fields that its user agent would send", Zero: "lacks no Sec-Fetch fields of its user agent"},
	"accept": {Topic: topicHeader, Codes: map[int]string{0: "has no Accept", 1: "accepts anything (*/*)", 2: "accepts HTML first",
		3: "accepts something else first than HTML"}},
	"accept_odd": {Topic: topicHeader, Text: "has an Accept that does not fit what it is for", Zero: "has an Accept that fits what it is for"},
	"encodings": {Topic: topicHeader, Codes: map[int]string{0: "takes neither gzip, br nor zstd", 1: "takes gzip at most", 2: "takes br",
		3: "takes zstd"}},
	"encodings_old":    {Topic: topicClaims, Text: "takes fewer encodings than its user agent would", Zero: "takes the encodings that its user agent would"},
	"priority":         {Topic: topicHeader, Text: "has Priority, as current browsers", Zero: "has no Priority"},
	"priority_missing": {Topic: topicClaims, Text: "lacks the Priority that its user agent would send", Zero: "lacks no Priority that its user agent would send"},
	"upgrade_insecure": {Topic: topicHeader, Text: "has Upgrade-Insecure-Requests", Zero: "has no Upgrade-Insecure-Requests"},

	"wire_agent_accept":         orderPhrase("User-Agent", "Accept"),
	"wire_encoding_language":    orderPhrase("Accept-Encoding", "Accept-Language"),
	"wire_language_accept":      orderPhrase("Accept-Language", "Accept"),
	"wire_hints_agent":          orderPhrase("Sec-CH-UA", "User-Agent"),
	"wire_cookie":               {Topic: topicWire, Codes: map[int]string{0: "has no Cookie field", 1: "has Cookie last", 2: "has Cookie before Priority, last", 3: "has Cookie among other fields"}},
	"wire_case":                 {Topic: topicWire, Codes: map[int]string{0: "writes names as User-Agent", 1: "writes names as user-agent", 2: "writes names in both cases, as Chromium", 3: "writes names in a case of its own"}},
	"wire_host_first":           {Topic: topicWire, Text: "has Host as its first field", Zero: "has another first field than Host"},
	"wire_connection":           {Topic: topicWire, Codes: map[int]string{0: "has no Connection field", 1: "has Connection before User-Agent", 2: "has Connection last", 3: "has Connection among other fields"}},
	"wire_pseudo_order":         {Topic: topicHTTP2, Text: "has pseudo-header fields in order number %v"},
	"wire_h2_settings":          {Topic: topicHTTP2, Text: "came with %v setting(s) of HTTP/2"},
	"wire_h2_table_size":        settingPhrase("the size of the header table"),
	"wire_h2_push":              settingPhrase("server push"),
	"wire_h2_streams":           settingPhrase("the number of streams"),
	"wire_h2_frame_size":        settingPhrase("the size of frames"),
	"wire_h2_header_list":       settingPhrase("the size of headers"),
	"wire_h2_window":            {Topic: topicHTTP2, Text: "came with windows of %v for streams of HTTP/2", Zero: "came without windows for streams of HTTP/2"},
	"wire_h2_connection_window": {Topic: topicHTTP2, Text: "came with a window of %v for HTTP/2", Zero: "came without a window for HTTP/2"},
	"wire_h2_priority_frames":   {Topic: topicHTTP2, Text: "came after PRIORITY frames of HTTP/2", Zero: "came without PRIORITY frames of HTTP/2"},
	"wire_h2_headers_priority":  {Topic: topicHTTP2, Text: "has a priority of HTTP/2, as Chromium's", Zero: "has no priority of HTTP/2"},
}

// orderPhrase says which of two header fields came first.
func orderPhrase(first, second string) Phrase {
	return Phrase{Topic: topicWire, Codes: map[int]string{
		int(OrderMissing):  "lacks " + first + " or " + second,
		int(OrderAsNamed):  "has " + first + " before " + second,
		int(OrderReversed): "has " + second + " before " + first,
	}}
}

// settingPhrase says whether a setting of HTTP/2 was sent.
func settingPhrase(what string) Phrase {
	return Phrase{Topic: topicHTTP2, Text: "came with a setting of HTTP/2 for " + what, Zero: "came without a setting of HTTP/2 for " + what}
}
