package proxyhook_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// The page that a Referer names is the one that was requested before: an event of the first has
// the same page as an event of the second, with the port, the case of the host, the query and the
// fragment in any form. A Referer of another site names none.
func TestLinkIsThePageThatWasFetched(t *testing.T) {
	describe := func(target, referer string) (o traffic.Observation) {
		r := httptest.NewRequest("GET", "http://shop.example.com:8080"+target, nil)
		if referer != "" {
			r.Header.Set("Referer", referer)
		}
		var ev traffic.Event
		var config proxyhook.Config
		sums := traffic.NewSums(9)
		config.Describe(&ev, r, sums)
		traffic.Observe(&ev, 9, &o)
		return o
	}
	long := "/" + strings.Repeat("x", 1000)
	for target, referers := range map[string][]string{
		"/":            {"http://shop.example.com", "https://SHOP.example.com/", "http://shop.example.com:8080/?a=/b"},
		"/a%2Fb/c?d=e": {"http://shop.example.com/a%2Fb/c", "http://shop.example.com/a%2Fb/c?d=f#g"},
		long:           {"http://shop.example.com" + long},
	} {
		page := describe(target, "").Page
		for _, referer := range referers {
			if link := describe("/next", referer).Link; link != page || link == 0 {
				t.Errorf("%.60q is page %d, and %.60q links to %d", target, page, referer, link)
			}
		}
	}
	for _, referer := range []string{"", "http://elsewhere.test/", "nonsense", "http://shop.example.com.elsewhere.test/", "http:///"} {
		if o := describe("/next", referer); o.Link != 0 || o.Measures[traffic.MeasureLinks] != 0 {
			t.Errorf("%q links to %d", referer, o.Link)
		}
	}
}
