package traffic

import (
	"time"

	"github.com/dgryski/go-metro"
)

// Measure is an amount that an event adds to a sum. An event has each; most are 0 or 1.
type Measure uint8

// The measures. A share is one measure's sum divided by another's. A status is the origin's:
// refused requests have none, or a client that was refused once would look worse with each refusal.
const (
	MeasureRequests     Measure = iota // 1
	MeasureClientErrors                // 1 for status 400..499
	MeasureServerErrors                // 1 for status 500..599
	MeasureNotFound                    // 1 for status 404
	MeasureAuthFailures                // 1 for status 401 or 403
	MeasureHeads                       // 1 for HEAD
	MeasurePosts                       // 1 for POST
	// 1 for each kind of path, from here on in the order of PathKind
	MeasurePages
	MeasureAssets        //
	MeasureAPICalls      //
	MeasureScripts       //
	MeasureRobotsFiles   //
	MeasureNoHTTP        // 1 where the request line was no HTTP
	MeasureNoReferer     // 1 where it is known that no Referer was sent
	MeasureRefererKnown  // 1 where it is known whether one was sent
	MeasureNoCookie      // 1 where it is known that no cookie was sent
	MeasureCookieKnown   // 1 where it is known whether one was sent
	MeasureBytes         // response bytes
	MeasureOriginSeconds // seconds until the request ended
	// 1 / its host's decayed Requests over HostWindow, this request included
	MeasureHostPart
	// its OriginSeconds / those of its host over HostWindow, these included
	MeasureOriginPart
	// 1 for what a person opens: a page or a script, unless the answer was a redirect
	MeasureDocuments
	// 1 for what is not an asset and has a Referer with a path of the same site
	MeasureLinks
	// 1 for a link from one of the last sixteen pages that the key fetched
	MeasureLinksFollowed
	// 1 for a POST to one of the last two paths to which the key sent one
	MeasurePostsRepeated
	// what is usual of its host's clients, from here on: the share that is an asset,
	MeasureUsualAssets
	MeasureUsualScripts   // a script,
	MeasureUsualNotFound  // not found,
	MeasureUsualNoReferer // without Referer, where that is known,
	MeasureUsualUnshared  // unshared,
	// from a new address; the event's own amount if nothing is known to be usual
	MeasureUsualNewAddresses
	// 1 if no other network requested this path of the host within a day
	MeasureUnshared
	// 1 for an address not seen for 12 to 24 hours, or less if there are too many to remember
	MeasureNewAddresses
	// 1 for an address not seen with this user agent for as long
	MeasureNewAgents
	MeasureAgentKnown // 1 where it is known which user agent was sent, if any
	// 1 for a network not seen with this user agent for as long; at most 15 a minute
	MeasureNewClients
	// the decayed sum of all NewClients over UsualWindow, this one included
	MeasureAllClients
	// versions from the browser to the newest that several networks use; NaN: unknown
	MeasureVersionLag
	// 1 for a network not seen with this program on this wire for as long; at most 15 a minute and
	// program
	MeasureNewWireClients
	// the decayed sum of the program's NewWireClients over UsualWindow, this one included
	MeasureProgramClients
	NumMeasures
)

// IsOfKey reports whether the measure depends on what the key did before. Observe leaves such a
// measure at 0, and package window computes it for each key.
func (m Measure) IsOfKey() bool { return m == MeasureLinksFollowed || m == MeasurePostsRepeated }

// UsualShare is a share of a host's requests of which each event has the usual value.
type UsualShare struct{ Measure, Per, Usual Measure }

// UsualShares has all of them. Observe leaves their usual measures at 0: package window computes
// them from the other requests of the host.
var UsualShares = [...]UsualShare{
	{MeasureAssets, MeasureRequests, MeasureUsualAssets},
	{MeasureScripts, MeasureRequests, MeasureUsualScripts},
	{MeasureNotFound, MeasureRequests, MeasureUsualNotFound},
	{MeasureNoReferer, MeasureRefererKnown, MeasureUsualNoReferer},
	{MeasureUnshared, MeasureRequests, MeasureUsualUnshared},
	{MeasureNewAddresses, MeasureRequests, MeasureUsualNewAddresses},
}

// UsualWindow is the time constant of what is usual, and the window of MeasureAllClients.
const UsualWindow = 24 * time.Hour

// HostWindow is the time constant of a host's sums in MeasureHostPart and MeasureOriginPart. While
// a key requests one host at a steady rate, its decayed sum of a part over any window is that
// window's share of HostWindow times the key's share of the host; over HostWindow it is the share
// itself. Observe leaves both at 0: package window computes them from the other requests of the
// host.
const HostWindow = 10 * time.Minute

// Object is something whose distinct values are counted.
type Object uint8

// The objects.
const (
	ObjectAgents    Object = iota // user agents; no user agent counts as one
	ObjectPaths                   // paths without query
	ObjectHosts                   // hosts
	ObjectAddresses               // client addresses
	ObjectNetworks                // client networks
	ObjectWires                   // what programs look like on the wire
	// programs, with their major versions, that user agents name; unknown where the wire is
	ObjectPrograms
	ObjectSessions // sessions
	NumObjects
)

// Observation is what the aggregation needs of an event: its keys, amounts and objects, computed
// once for all dimensions.
type Observation struct {
	Time     int64 // nanoseconds since 1970 UTC
	Keys     Keys
	Measures [NumMeasures]float32
	Objects  [NumObjects]uint64 // hashes; 0: unknown, not counted
	Agent    string             // the user agent, for ParseAgent if a row needs it

	// Page is the requested page, which a later Referer may name, and Link the page in the Referer
	// of a request that is not for an asset: 16 bits of a hash of host and path; 0: none.
	Page, Link uint16

	// The request was open from OpenFrom to OpenTo, without the time that was reported before:
	// nanoseconds since 1970 UTC, equal if there is nothing to report. A Report has nothing else.
	OpenFrom, OpenTo int64
	Report           bool
}

// Observe sets o to the observation of ev, with the hash seed of the installation.
func Observe(ev *Event, seed uint64, o *Observation) {
	o.Time = ev.Time
	var program uint64
	o.Keys, program = allDimensions.keysAndProgram(ev, seed)
	if o.observeOpen(ev); o.Report {
		return
	}
	o.Agent = ev.UserAgent
	o.Measures = measure(ev)
	o.observeLink(ev)
	o.Objects = [NumObjects]uint64{
		ObjectAgents:    o.Keys[DimUserAgent],
		ObjectPaths:     nonZero(metro.Hash64Str(ev.Path, seed^ev.PathSum)),
		ObjectHosts:     o.Keys[DimHost],
		ObjectAddresses: o.Keys[DimIP],
		ObjectNetworks:  o.Keys[DimNet],
		ObjectWires:     o.Keys[DimWire],
		ObjectSessions:  o.Keys[DimSession],
		ObjectPrograms:  program,
	}
	if ev.UserAgent == "" && !ev.Facts.Has(FactAgentUnknown) {
		o.Objects[ObjectAgents] = 1
	}
}

// observeLink sets the page of ev and the page from which it came.
func (o *Observation) observeLink(ev *Event) {
	o.Page, o.Link = 0, 0
	if o.Measures[MeasurePages]+o.Measures[MeasureScripts] > 0 {
		o.Page = pageAt(hashPage(ev.Path, ev.PathSum), o.Keys[DimHost])
	}
	if ev.Link != 0 && ev.Method != "" && o.Measures[MeasureAssets] == 0 {
		o.Link = pageAt(ev.Link, o.Keys[DimHost])
		o.Measures[MeasureLinks] = 1
	}
}

// openDimensions are the dimensions with features of open requests.
var openDimensions = func() (has [NumDimensions]bool) {
	for _, f := range Catalog() {
		has[f.Dimension] = has[f.Dimension] || f.Fold.Kind == FoldOpen
	}
	return has
}()

// observeOpen sets how long the request of ev was open. The time of a report is the time at which
// it was made.
func (o *Observation) observeOpen(ev *Event) {
	o.OpenFrom, o.OpenTo, o.Report = 0, 0, ev.Open
	if ev.Duration >= uint64(OpenAfter) && ev.Reported < ev.Duration {
		o.OpenTo = ev.Time + int64(min(ev.Duration, maxDuration))
		o.OpenFrom = o.OpenTo - int64(min(ev.Duration-ev.Reported, maxDuration))
	}
	if !ev.Open {
		return
	}
	o.Time, o.Agent = max(o.OpenTo, ev.Time), ""
	o.Measures, o.Objects = [NumMeasures]float32{}, [NumObjects]uint64{}
	o.Page, o.Link = 0, 0
	o.KeepOpenKeys()
}

// KeepOpenKeys clears the keys of dimensions without features of open requests.
func (o *Observation) KeepOpenKeys() {
	for d := range o.Keys {
		if !openDimensions[d] {
			o.Keys[d] = 0
		}
	}
}

// ClipOpen cuts the time during which the request was open at now.
func (o *Observation) ClipOpen(now int64) {
	o.OpenTo = min(o.OpenTo, now)
	o.OpenFrom = min(o.OpenFrom, o.OpenTo)
	if o.Report {
		o.Time = min(o.Time, now)
	}
}

func measure(ev *Event) [NumMeasures]float32 {
	var m [NumMeasures]float32
	m[MeasureRequests] = 1
	status := ev.originStatus()
	m[MeasureClientErrors] = one(status >= 400 && status < 500)
	m[MeasureServerErrors] = one(status >= 500 && status < 600)
	m[MeasureNotFound] = one(status == 404)
	m[MeasureAuthFailures] = one(status == 401 || status == 403)
	m[MeasureHeads] = one(ev.Method == "HEAD")
	m[MeasurePosts] = one(ev.Method == "POST")
	if ev.Method == "" {
		m[MeasureNoHTTP] = 1
	} else {
		kind := ClassifyPath(ev.Path)
		m[MeasurePages+Measure(kind)] = 1
		m[MeasureDocuments] = one((kind == PathPage || kind == PathScript) && !isRedirect(status))
	}
	m[MeasureNoReferer] = one(ev.Facts&(FactRefererKnown|FactReferer) == FactRefererKnown)
	m[MeasureRefererKnown] = one(ev.Facts.Has(FactRefererKnown))
	m[MeasureNoCookie] = one(ev.Facts&(FactHeadersKnown|FactCookie) == FactHeadersKnown)
	m[MeasureCookieKnown] = one(ev.Facts.Has(FactHeadersKnown))
	m[MeasureAgentKnown] = one(!ev.Facts.Has(FactAgentUnknown))
	m[MeasureBytes] = float32(ev.Bytes)
	m[MeasureOriginSeconds] = float32(float64(ev.Duration) / 1e9)
	return m
}

// isRedirect reports whether a client requests another page at once.
func isRedirect(status uint16) bool {
	return status >= 301 && status <= 303 || status == 307 || status == 308
}

func one(yes bool) float32 {
	if yes {
		return 1
	}
	return 0
}
