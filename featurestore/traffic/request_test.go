package traffic_test

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

func requestFeatures(ev *traffic.Event) map[string]float32 {
	var values [traffic.NumRequestFeatures]float32
	traffic.RequestFeatures(ev, &values)
	named := make(map[string]float32)
	for i, f := range traffic.RequestCatalog {
		named[f.Name] = values[i]
	}
	return named
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

var nan = float32(math.NaN())

func TestRequestFeatures(t *testing.T) {
	browser := traffic.Event{Method: "GET", Version: 20, Path: "/Shop/item-12.html", Query: 7, UserAgent: firefox, Host: "example.net",
		Headers: 14, Facts: traffic.FactHeadersKnown | traffic.FactAcceptLanguage | traffic.FactAcceptEncoding | traffic.FactCookie | traffic.FactRefererKnown |
			traffic.FactReferer | traffic.FactRefererSame, JA4: "t13d1516h2_8daaf6152771_e5627efa2ab1"}
	scanner := traffic.Event{Method: "POST", Version: 10, Path: "/a/../%2e/.env", Host: "192.0.2.1", Facts: traffic.FactHeadersKnown | traffic.FactRefererKnown,
		Headers: 2, UserAgent: "curl/8.5.0", JA4: "ts3i9900"}
	logged := traffic.Event{Method: "GET", Path: "/", UserAgent: "x"}
	for name, want := range map[string][4]float32{ // of the browser, the scanner, the line of a log, and of nothing
		"method":          {1, 3, 1, 0},
		"http_version":    {20, 10, nan, nan},
		"path_length":     {18, 14, 1, 0},
		"path_depth":      {2, 4, 1, 0},
		"path_kind":       {0, 0, 0, 0},
		"path_dots":       {1, 3, 0, 0},
		"path_digits":     {2. / 18, 1. / 14, 0, 0},
		"path_upper":      {1. / 18, 0, 0, 0},
		"path_special":    {0, 1, 0, 0},
		"query_length":    {7, 0, 0, 0},
		"agent_length":    {float32(len(firefox)), 10, 1, 0},
		"agent_mozilla":   {1, 0, 0, 0},
		"agent_products":  {3, 1, 0, 0},
		"agent_digits":    {24. / float32(len(firefox)), 3. / 10, 0, 0},
		"agent_comment":   {1, 0, 0, 0},
		"agent_missing":   {0, 0, 0, 1},
		"referer":         {1, 0, nan, nan},
		"referer_same":    {1, 0, nan, nan},
		"headers":         {14, 2, nan, nan},
		"accept_language": {1, 0, nan, nan},
		"cookie":          {1, 0, nan, nan},
		"sec_fetch":       {0, 0, nan, nan},
		"host_address":    {0, 1, nan, nan},
		"accept_encoding": {1, 0, nan, nan},
		"xhr":             {0, 0, nan, nan},
		"tls_version":     {13, nan, nan, nan},
		"tls_ciphers":     {15, 99, nan, nan},
		"tls_extensions":  {16, 0, nan, nan},
	} {
		for i, ev := range []*traffic.Event{&browser, &scanner, &logged, {}} {
			if got := requestFeatures(ev)[name]; got != want[i] && !(got != got && want[i] != want[i]) {
				t.Errorf("%s of event %d is %v, want %v", name, i, got, want[i])
			}
		}
	}
}

// What claims to be a fingerprint and is not one tells nothing, or some number of two figures.
func TestForgedJA4(t *testing.T) {
	for ja4, want := range map[string][3]float32{"": {nan, nan, nan}, "t": {nan, nan, nan}, "t1": {nan, nan, nan}, "t13d1": {13, nan, nan},
		"t13d15": {13, 15, nan}, "t13d15:/": {13, 15, nan}, "\xff\xff\xff\xff\xff\xff\xff\xff": {nan, nan, nan}, "99999999": {99, 99, 99}} {
		got := requestFeatures(&traffic.Event{JA4: ja4})
		for i, name := range []string{"tls_version", "tls_ciphers", "tls_extensions"} {
			if !sameFact(got[name], want[i]) {
				t.Errorf("%s of %q is %v, want %v", name, ja4, got[name], want[i])
			}
		}
	}
}

func TestMethodCodes(t *testing.T) {
	for method, want := range map[string]float32{"": 0, "GET": 1, "HEAD": 2, "POST": 3, "OPTIONS": 4, "PUT": 5, "PATCH": 5, "DELETE": 5,
		"get": 6, "TRACE": 6, "PROPFIND": 6} {
		if got := requestFeatures(&traffic.Event{Method: method})["method"]; got != want {
			t.Errorf("%q is %v, want %v", method, got, want)
		}
	}
}

// The path's entropy is Shannon's, over classes of four byte values.
func TestPathEntropy(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 500 {
		path := make([]byte, rng.IntN(traffic.MaxPath+1))
		classes := make(map[byte]float64)
		for i := range path {
			path[i] = byte(rng.IntN(1 + rng.IntN(256)))
			classes[path[i]/4]++
		}
		want := 0.0
		for _, n := range classes {
			want -= n / float64(len(path)) * math.Log2(n/float64(len(path)))
		}
		if got := requestFeatures(&traffic.Event{Path: string(path)})["path_entropy"]; math.Abs(float64(got)-want) > 1e-5 {
			t.Fatalf("%q has %v bits, want %v", path, got, want)
		}
	}
}

func TestHostAddress(t *testing.T) {
	for host, want := range map[string]float32{"example.net": 0, "10.0.0.1": 1, "2001:db8::1": 1, "1.example": 0, "a": 0} {
		if got := requestFeatures(&traffic.Event{Host: host})["host_address"]; got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}

func TestClassifyPath(t *testing.T) {
	for kind, paths := range map[traffic.PathKind][]string{
		traffic.PathPage: {"", "/", "/about", "/index.html", "/a.b/c", "/file.", "/x.verylongextension", "/robots.txt/x", "/v1.2/", "api/x",
			"/wp-content", "/.env", "/a.htm", "/a.pdf", "/b.\xff\xfe"},
		traffic.PathAsset:  {"/a.css", "/a.JS", "/x/y.woff2", "/favicon.ico", "/site.webmanifest", "/a.b.png", "/.js", "/a.Webp"},
		traffic.PathAPI:    {"/api/", "/api/v1/x.php", "/graphql", "/manifest.json", "/a/b.json"},
		traffic.PathScript: {"/wp-login.php", "/x.ASPX", "/cgi-bin/a.cgi", "/a.PhP7", "/login.do"},
		traffic.PathRobots: {"/robots.txt", "/ads.txt", "/sitemap.xml", "/a/sitemap_index.xml.gz", "/.well-known/security.txt"},
	} {
		for _, path := range paths {
			if got := traffic.ClassifyPath(path); got != kind {
				t.Errorf("%q is of kind %d, want %d", path, got, kind)
			}
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	ev := traffic.Event{Method: "GET", Path: "/Shop/item-12.WOFF2", UserAgent: firefox, Host: "example.net", JA4: "t13", Session: 1}
	ev.SetClient(netip.MustParseAddr("2001:db8::1"))
	v := traffic.NewVector([]string{"ip/age", "request/method", "request/path_entropy"})
	var values [traffic.NumRequestFeatures]float32
	var o traffic.Observation
	dst, inter := make([]float32, v.Len()), []float32{1}
	for name, fn := range map[string]func(){
		"RequestFeatures": func() { traffic.RequestFeatures(&ev, &values) },
		"Observe":         func() { traffic.Observe(&ev, 1, &o) },
		"NewKeys":         func() { traffic.NewKeys(&ev, 1) },
		"Bound":           func() { ev.Bound() },
		"Vector.Fill":     func() { v.Fill(dst, &ev, inter) },
	} {
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzRequestFeatures takes any strings: every value is a finite number or NaN, shares are shares.
func FuzzRequestFeatures(f *testing.F) {
	for _, seed := range []struct{ method, host, path, agent string }{
		{"GET", "example.net", "/a/b.css", firefox}, {"", "", "\x16\x03\x01", ""}, {"POST", "::1", "/%00/../", "(("},
	} {
		f.Add(seed.method, seed.host, seed.path, seed.agent, uint32(0x1ff), uint8(3), uint8(11), uint64(1<<31))
	}
	f.Fuzz(func(t *testing.T, method, host, path, agent string, facts uint32, headers, version uint8, wire uint64) {
		ev := traffic.Event{Method: method, Host: host, Facts: traffic.Facts(facts), Headers: headers, Version: version, Wire: traffic.Wire(wire)}
		ev.SetPath(path)
		ev.SetUserAgent(agent)
		ev.Bound()
		for name, v := range requestFeatures(&ev) {
			share := slices.Contains([]string{"path_digits", "path_upper", "agent_digits"}, name)
			if math.IsInf(float64(v), 0) || v < 0 && name != "path_entropy" || v < -1e-5 || share && v > 1 {
				t.Errorf("%s is %v", name, v)
			}
		}
	})
}

// Observe returns each event the amounts that the measures tell of.
func TestMeasures(t *testing.T) {
	ev := traffic.Event{Time: 5, Method: "HEAD", Status: 404, Path: "/robots.txt", Bytes: 1000, Duration: 250e6,
		Facts: traffic.FactHeadersKnown | traffic.FactRefererKnown}
	for _, c := range []struct {
		what   string
		change func(*traffic.Event)
		want   map[traffic.Measure]float32
	}{
		{"as it is", func(*traffic.Event) {}, map[traffic.Measure]float32{traffic.MeasureClientErrors: 1, traffic.MeasureNotFound: 1, traffic.MeasureHeads: 1,
			traffic.MeasureRobotsFiles: 1, traffic.MeasureNoReferer: 1, traffic.MeasureRefererKnown: 1, traffic.MeasureNoCookie: 1, traffic.MeasureCookieKnown: 1}},
		{"a login", func(ev *traffic.Event) {
			ev.Status, ev.Method, ev.Path = 401, "POST", "/login.php"
			ev.Facts |= traffic.FactCookie | traffic.FactReferer
		}, map[traffic.Measure]float32{traffic.MeasureClientErrors: 1, traffic.MeasureAuthFailures: 1, traffic.MeasurePosts: 1, traffic.MeasureScripts: 1,
			traffic.MeasureRefererKnown: 1, traffic.MeasureCookieKnown: 1, traffic.MeasureDocuments: 1}},
		{"a redirect", func(ev *traffic.Event) { ev.Status, ev.Method, ev.Path, ev.Facts = 302, "GET", "/a", 0 },
			map[traffic.Measure]float32{traffic.MeasurePages: 1}},
		{"denied by headgate", func(ev *traffic.Event) {
			ev.Status, ev.Method, ev.Path, ev.Facts, ev.Action = 403, "GET", "/a", 0, uint8(proxyhook.Deny)
		}, map[traffic.Measure]float32{traffic.MeasurePages: 1, traffic.MeasureDocuments: 1}},
		{"tagged by headgate, denied by the origin", func(ev *traffic.Event) {
			ev.Status, ev.Method, ev.Path, ev.Facts, ev.Action = 403, "GET", "/a.css", 0, uint8(proxyhook.Tag)
		}, map[traffic.Measure]float32{traffic.MeasureAssets: 1, traffic.MeasureClientErrors: 1, traffic.MeasureAuthFailures: 1}},
		{"refused for a full origin", func(ev *traffic.Event) {
			ev.Status, ev.Method, ev.Path, ev.Facts, ev.Refused = 503, "GET", "/a.css", 0, true
		},
			map[traffic.Measure]float32{traffic.MeasureAssets: 1}},
		{"no HTTP", func(ev *traffic.Event) { ev.Status, ev.Method, ev.Path, ev.Facts = 0, "", "/a.css", 0 },
			map[traffic.Measure]float32{traffic.MeasureNoHTTP: 1}},
		{"a broken asset", func(ev *traffic.Event) { ev.Status, ev.Method, ev.Path, ev.Facts = 503, "GET", "/a.css", 0 },
			map[traffic.Measure]float32{traffic.MeasureServerErrors: 1, traffic.MeasureAssets: 1}},
	} {
		changed := ev
		c.change(&changed)
		c.want[traffic.MeasureRequests], c.want[traffic.MeasureAgentKnown], c.want[traffic.MeasureBytes], c.want[traffic.MeasureOriginSeconds] = 1, 1, 1000, 0.25
		var o traffic.Observation
		traffic.Observe(&changed, 1, &o)
		for m := range traffic.NumMeasures {
			if o.Measures[m] != c.want[m] {
				t.Errorf("%s: measure %d is %v, want %v", c.what, m, o.Measures[m], c.want[m])
			}
		}
	}
}

// Objects that are not known are 0 and not counted; having no user agent is one way to be.
func TestObjects(t *testing.T) {
	var none, some traffic.Observation
	traffic.Observe(&traffic.Event{}, 1, &none)
	traffic.Observe(eventFrom("192.0.2.1"), 1, &some)
	for object := range traffic.NumObjects {
		known := object == traffic.ObjectAgents || object == traffic.ObjectPaths
		if (none.Objects[object] != 0) != known || some.Objects[object] == 0 {
			t.Errorf("object %d: %d without, %d with", object, none.Objects[object], some.Objects[object])
		}
	}
	if some.Objects[traffic.ObjectNetworks] != some.Keys[traffic.DimNet] || none.Objects[traffic.ObjectAgents] == some.Objects[traffic.ObjectAgents] {
		t.Error("objects are not what they name")
	}
}
