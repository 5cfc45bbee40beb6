package traffic

// The names of measures, objects and facts by which kept state is found again, by other releases too. A name stays with
// its meaning: where a meaning changes, the name does.

var measureNames = [NumMeasures]string{
	Requests: "requests", ClientErrors: "client_errors", ServerErrors: "server_errors", NotFound: "not_found",
	AuthFailures: "auth_failures", Heads: "heads", Posts: "posts", Pages: "pages", Assets: "assets", APICalls: "api_calls",
	Scripts: "scripts", RobotsFiles: "robots_files", NoHTTP: "no_http", NoReferer: "no_referer", RefererTold: "referer_told",
	NoCookie: "no_cookie", CookieTold: "cookie_told", Bytes: "bytes", OriginSeconds: "origin_seconds",
	HostPart: "host_part", UpstreamPart: "upstream_part", Documents: "documents",
	Links: "links", LinksFollowed: "links_followed", PostsRepeated: "posts_repeated",
	UsualAssets: "usual_assets", UsualScripts: "usual_scripts", UsualNotFound: "usual_not_found", UsualNoReferer: "usual_no_referer",
	UsualUnshared: "usual_unshared", UsualNewAddresses: "usual_new_addresses", Unshared: "unshared", NewAddresses: "new_addresses", NewAgents: "new_agents", AgentTold: "agent_told", NewClients: "new_clients",
	AllClients: "all_clients", VersionLag: "version_lag", NewWireClients: "new_wire_clients", ProgramClients: "program_clients",
}

var objectNames = [NumObjects]string{
	Agents: "agents", Paths: "paths", Hosts: "hosts", Addresses: "addresses", Networks: "networks", Wires: "wires", Programs: "programs",
	Sessions: "sessions",
}

var agentFactNames = [NumAgentFacts]string{
	AgentCrawler: "crawler", AgentTool: "tool", AgentHeadless: "headless", AgentBrowser: "browser",
	AgentBrowserVersion: "browser_version", AgentOS: "os", AgentOSVersion: "os_version", AgentMobile: "mobile",
	AgentOddities: "oddities",
}

// String returns the measure's name.
func (m Measure) String() string { return nameIn(measureNames[:], int(m)) }

// String returns the object's name.
func (o Object) String() string { return nameIn(objectNames[:], int(o)) }

// String returns the fact's name.
func (f AgentFact) String() string { return nameIn(agentFactNames[:], int(f)) }

func nameIn(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "unknown"
}
