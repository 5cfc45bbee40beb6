package traffic_test

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// A link is the page that it names, however the page is asked for, and no other page.
func TestLinkNamesItsPage(t *testing.T) {
	long := "/" + strings.Repeat("x", 2*traffic.MaxPath)
	sums := traffic.NewSums(5)
	observe := func(host, path, link, linked string) (o traffic.Observation) {
		ev := traffic.Event{Method: "GET", Host: host}
		sums.SetPath(&ev, path)
		if linked != "" {
			sums.SetLink(&ev, link)
		}
		traffic.Observe(&ev, 7, &o)
		return o
	}
	for _, path := range []string{"/", "/a", "/a/b.php", "/%C3%A4", long, long + "y"} {
		page, from := observe("a.test", path, "", ""), observe("a.test", "/next", path, "yes")
		if page.Page == 0 || from.Link != page.Page || from.Measures[traffic.MeasureLinks] != 1 {
			t.Errorf("%.20q is %d, linked to as %d", path, page.Page, from.Link)
		}
		for _, other := range []string{path + "z", path + "/"} {
			if o := observe("a.test", other, "", ""); o.Page == page.Page {
				t.Errorf("%.20q is the page of %.20q", other, path)
			}
		}
		if o := observe("b.test", path, "", ""); o.Page == page.Page {
			t.Errorf("%.20q is the same page of two hosts", path)
		}
	}
	if root := observe("a.test", "/", "", ""); observe("a.test", "/x", "", "yes").Link != root.Page {
		t.Error("a Referer without a path is not the root")
	}
	asset := observe("a.test", "/a.css", "/", "yes")
	if asset.Page != 0 || asset.Link != 0 || asset.Measures[traffic.MeasureLinks] != 0 {
		t.Errorf("an asset: page %d, link %d", asset.Page, asset.Link)
	}
	if none := observe("a.test", "/x", "", ""); none.Link != 0 || none.Measures[traffic.MeasureLinks] != 0 {
		t.Errorf("no Referer is the link %d", none.Link)
	}
}

func TestSplitReferer(t *testing.T) {
	for in, want := range map[string][2]string{
		"": {}, "x": {}, "/a": {}, "https://a.test": {"a.test", ""}, "https://a.test/": {"a.test", "/"}, "http://A.test:80/b/c?d=/e#f": {"A.test:80", "/b/c"},
		"https://u:p@a.test/x": {"a.test", "/x"}, "https://a.test?x": {"a.test", ""}, "https://a.test#/x": {"a.test", ""}, "://": {}, "android-app://com.x/": {"com.x", "/"},
	} {
		if host, path := traffic.SplitReferer(in); host != want[0] || path != want[1] {
			t.Errorf("%q: %q and %q, want %q", in, host, path, want)
		}
	}
}
