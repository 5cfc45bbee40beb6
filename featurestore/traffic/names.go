package traffic

// The names of measures, objects and facts by which kept state is found again, by other releases
// too. A name stays with its meaning: where a meaning changes, the name does.

var measureNames = [NumMeasures]string{
	MeasureRequests: "requests", MeasureClientErrors: "client_errors",
	MeasureServerErrors: "server_errors", MeasureNotFound: "not_found",
	MeasureAuthFailures: "auth_failures", MeasureHeads: "heads", MeasurePosts: "posts",
	MeasurePages: "pages", MeasureAssets: "assets", MeasureAPICalls: "api_calls",
	MeasureScripts: "scripts", MeasureRobotsFiles: "robots_files", MeasureNoHTTP: "no_http",
	MeasureNoReferer: "no_referer", MeasureRefererKnown: "referer_told",
	MeasureNoCookie: "no_cookie", MeasureCookieKnown: "cookie_told", MeasureBytes: "bytes",
	MeasureOriginSeconds: "origin_seconds",
	MeasureHostPart:      "host_part", MeasureOriginPart: "upstream_part",
	MeasureDocuments: "documents",
	MeasureLinks:     "links", MeasureLinksFollowed: "links_followed",
	MeasurePostsRepeated: "posts_repeated",
	MeasureUsualAssets:   "usual_assets", MeasureUsualScripts: "usual_scripts",
	MeasureUsualNotFound: "usual_not_found", MeasureUsualNoReferer: "usual_no_referer",
	MeasureUsualUnshared: "usual_unshared", MeasureUsualNewAddresses: "usual_new_addresses",
	MeasureUnshared: "unshared", MeasureNewAddresses: "new_addresses",
	MeasureNewAgents: "new_agents", MeasureAgentKnown: "agent_told",
	MeasureNewClients: "new_clients",
	MeasureAllClients: "all_clients", MeasureVersionLag: "version_lag",
	MeasureNewWireClients: "new_wire_clients", MeasureProgramClients: "program_clients",
}

var objectNames = [NumObjects]string{
	ObjectAgents: "agents", ObjectPaths: "paths", ObjectHosts: "hosts",
	ObjectAddresses: "addresses", ObjectNetworks: "networks", ObjectWires: "wires",
	ObjectPrograms: "programs",
	ObjectSessions: "sessions",
}

var agentFactNames = [NumAgentFacts]string{
	AgentCrawler: "crawler", AgentTool: "tool", AgentHeadless: "headless", AgentBrowser: "browser",
	AgentBrowserVersion: "browser_version", AgentOS: "os", AgentOSVersion: "os_version",
	AgentMobile:   "mobile",
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
