package traffic

import (
	"time"

	"github.com/dgryski/go-metro"
)

// Measure is an amount that an event adds to a sum. Every event has a value for each; most are 0 or 1.
type Measure uint8

// The measures. A share is one measure's sum divided by another's. A status is that of the origin: what headgate refuses
// has none here, or a client that was once refused would look worse with each refusal.
const (
	MeasureRequests          Measure = iota // 1
	MeasureClientErrors                     // 1 for status 400..499
	MeasureServerErrors                     // 1 for status 500..599
	MeasureNotFound                         // 1 for status 404
	MeasureAuthFailures                     // 1 for status 401 or 403
	MeasureHeads                            // 1 for HEAD
	MeasurePosts                            // 1 for POST
	MeasurePages                            // 1 for each kind of path, from here on in the order of PathKind
	MeasureAssets                           //
	MeasureAPICalls                         //
	MeasureScripts                          //
	MeasureRobotsFiles                      //
	MeasureNoHTTP                           // 1 where the request line was no HTTP
	MeasureNoReferer                        // 1 where it is known that no Referer was sent
	MeasureRefererKnown                     // 1 where it is known whether one was sent
	MeasureNoCookie                         // 1 where it is known that no cookie was sent
	MeasureCookieKnown                      // 1 where it is known whether one was sent
	MeasureBytes                            // response bytes
	MeasureOriginSeconds                    // seconds until the request ended
	MeasureHostPart                         // 1 / its host's decayed Requests over HostWindow, this request included
	MeasureOriginPart                       // its MeasureOriginSeconds / those of its host over HostWindow, these included
	MeasureDocuments                        // 1 for what a person opens: a page or a script, unless the answer was a redirect
	MeasureLinks                            // 1 for what is no asset and has a Referer of the same site, of which the path is known
	MeasureLinksFollowed                    // 1 for a link from one of the last sixteen pages that the key fetched before
	MeasurePostsRepeated                    // 1 for a POST to one of the last two paths that the key sent one to before
	MeasureUsualAssets                      // what is usual of its host's clients, from here on: the share that is an Asset,
	MeasureUsualScripts                     // a Script,
	MeasureUsualNotFound                    // MeasureNotFound,
	MeasureUsualNoReferer                   // MeasureNoReferer, of what is told,
	MeasureUsualUnshared                    // Unshared,
	MeasureUsualNewAddresses                // MeasureNewAddresses; each is the event's own amount where nothing is known to be usual
	MeasureUnshared                         // 1 where no other network asked for this path of the host within a day
	MeasureNewAddresses                     // 1 for a client address that was not seen for twelve to twenty-four hours, or sooner where there are more than can be remembered
	MeasureNewAgents                        // 1 for an address that was not seen with this user agent for as long
	MeasureAgentKnown                       // 1 where it is known which user agent was sent, or that none was
	MeasureNewClients                       // 1 for a network that was not seen with this user agent for as long, but of fifteen a minute at most
	MeasureAllClients                       // the decayed sum of all MeasureNewClients over UsualWindow, this one included
	MeasureVersionLag                       // by how many versions the browser is older than the newest that several networks use; NaN where that is not known
	MeasureNewWireClients                   // 1 for a network that was not seen with this program on this wire for as long, but of fifteen a minute and program at most
	MeasureProgramClients                   // the decayed sum of the program's MeasureNewWireClients over UsualWindow, on whatever wires, this one included
	NumMeasures
)

// IsOfKey reports whether the measure depends on what the key did before. Observe leaves such a
// measure at 0, and package window computes it for each key.
func (m Measure) IsOfKey() bool { return m == MeasureLinksFollowed || m == MeasurePostsRepeated }

// UsualShare is a share of a host's requests of which each event tells what is usual.
type UsualShare struct{ Measure, Per, Usual Measure }

// UsualShares are those that there are. Observe leaves the usual measures at 0: they take the other requests of the host,
// which package window knows.
var UsualShares = [...]UsualShare{
	{MeasureAssets, MeasureRequests, MeasureUsualAssets}, {MeasureScripts, MeasureRequests, MeasureUsualScripts}, {MeasureNotFound, MeasureRequests, MeasureUsualNotFound}, {MeasureNoReferer, MeasureRefererKnown, MeasureUsualNoReferer},
	{MeasureUnshared, MeasureRequests, MeasureUsualUnshared}, {MeasureNewAddresses, MeasureRequests, MeasureUsualNewAddresses},
}

// UsualWindow is how long what was usual counts, and the window of MeasureAllClients.
const UsualWindow = 24 * time.Hour

// HostWindow is the time constant of a host's sums in MeasureHostPart and MeasureOriginPart. While a key asks for one host at a
// steady rate, its decayed sum of a part over any window is that window's share of HostWindow times the key's share of
// the host; over HostWindow it is the share itself. Observe leaves both at 0: they take the other requests of the host,
// which package window knows.
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
	ObjectPrograms                // programs, with their major versions, that user agents name; unknown where the wire is
	ObjectSessions                // sessions
	NumObjects
)

// Observation is what the aggregation needs of an event: its keys, amounts and objects, computed once for all
// dimensions.
type Observation struct {
	Time     int64 // nanoseconds since 1970 UTC
	Keys     Keys
	Measures [NumMeasures]float32
	Objects  [NumObjects]uint64 // hashes; 0: unknown, not counted
	Agent    string             // the user agent, to be read by ParseAgent where a row needs it

	// Page is the page that was asked for, where a later Referer may name it, and Link the one that the Referer of what is no
	// asset names: 16 bits of a hash of host and path; 0: none.
	Page, Link uint16

	// From OpenFrom to OpenTo the request was open, as far as nothing has told that before: nanoseconds since 1970 UTC.
	// OpenTo is OpenFrom where there is nothing to tell. A Report tells nothing else.
	OpenFrom, OpenTo int64
	Report           bool
}

// Observe fills o from ev under the installation's hash seed.
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

// observeLink notes the page that ev is of and the one that it came from.
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

// openDimensions are those with features of open requests: a report is for no others.
var openDimensions = func() (has [NumDimensions]bool) {
	for _, f := range Catalog() {
		has[f.Dimension] = has[f.Dimension] || f.Fold.Kind == FoldOpen
	}
	return has
}()

// observeOpen notes what ev tells of the time that its request was open. A report is of the time that it was made.
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

// KeepOpenKeys drops the keys that a report is not for.
func (o *Observation) KeepOpenKeys() {
	for d := range o.Keys {
		if !openDimensions[d] {
			o.Keys[d] = 0
		}
	}
}

// ClipOpen takes back what o tells of the time after now: no request was open then.
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

// isRedirect reports whether a client asks for another page at once.
func isRedirect(status uint16) bool {
	return status >= 301 && status <= 303 || status == 307 || status == 308
}

func one(yes bool) float32 {
	if yes {
		return 1
	}
	return 0
}
