package worlds_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/models/worlds"
)

func isAsset(r *worlds.Request) bool {
	path, _ := traffic.SplitTarget(r.Target)
	return traffic.ClassifyPath(path) == traffic.PathAsset
}

func navigates(r *worlds.Request) bool {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, "sec-fetch-mode") {
			return f.Value == "navigate"
		}
	}
	return false
}

// What people's browsers send never contradicts itself, by the rules of a proxy's features.
func TestPeopleAreConsistent(t *testing.T) {
	var record traffic.Event
	odd := map[string]int{}
	var at [11]int
	names := []string{"hints_missing", "hints_version_odd", "hints_brand_odd", "hints_platform_odd", "fetch_odd", "fetch_missing", "accept_odd", "encodings_old", "priority_missing",
		"agent_tool", "agent_crawler"}
	for i, name := range names {
		for k, f := range traffic.RequestCatalog {
			if f.Name == name {
				at[i] = k
			}
		}
	}
	var features [traffic.NumRequestFeatures]float32
	requests, changed := 0, 0
	for seed := range uint64(40) {
		prints := map[string]uint32{}
		source := newSource(t, worlds.Config{Seed: seed, View: worlds.Wire, Duration: 5 * time.Minute, Rate: 10})
		for r := range records(t, source) {
			kind := strings.Split(r.Truth, ":")
			if kind[0] != "person" || kind[1] == "app-user" || kind[1] == "odd-browser" {
				continue
			}
			requests++
			record = r.Event
			print := record.Wire.Print()
			if before, ok := prints[r.Truth]; ok && before != print {
				if changed++; changed < 4 {
					t.Errorf("%s: %s %s looks like another program's than its request before", r.Truth, record.Method, record.Path)
				}
			}
			prints[r.Truth] = print
			traffic.RequestFeatures(&record, &features)
			for i, name := range names {
				if v := features[at[i]]; v == v && v != 0 {
					odd[name]++
					if odd[name] == 1 {
						t.Logf("%s: %s %s %s %s %q", name, r.Truth, r.Event.Method, r.Event.Host, r.Event.Path, r.Agent)
					}
				}
			}
		}
	}
	if requests < 20_000 {
		t.Fatalf("only %d requests of people", requests)
	}
	for name, n := range odd {
		t.Errorf("%s: %d of %d requests of people", name, n, requests)
	}
}

// Referers follow a site's policy: all pictures, scripts and styles of a site have the same kind of
// referer.
func TestRefererPolicies(t *testing.T) {
	policies := map[string]map[string]int{}
	each(t, 60, worlds.Config{Rate: 5}, func(_ int, r *worlds.Request) {
		if r.Truth.Bot || r.Truth.Kind == "private" || r.Truth.Kind == "app-user" || !isAsset(r) || strings.HasPrefix(r.Target, "/apple") || navigates(r) {
			return
		}
		kind := "full"
		switch from, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.Refer, "https://"), "http://"), "/"); {
		case r.Refer == "":
			kind = "none"
		case from != r.Host:
			t.Fatalf("%s of %s has the referer %s", r.Target, r.Host, r.Refer)
		case rest == "":
			kind = "origin"
		}
		if policies[r.Host] == nil {
			policies[r.Host] = map[string]int{}
		}
		policies[r.Host][kind]++
	})
	found := map[string]int{}
	for host, kinds := range policies {
		switch {
		case kinds["none"] > 0 && kinds["full"]+kinds["origin"] == 0:
			found["none"]++
		case kinds["none"] > 0:
			t.Errorf("%s: referers %v", host, kinds)
		case kinds["full"] > 0: // and an origin from the home page
			found["full"]++
		default:
			found["origin"]++
		}
	}
	if found["none"] < 3 || found["full"] < 10 || found["origin"] < 1 {
		t.Errorf("sites by what referers they let through: %v", found)
	}
}

// People miss a few pages and icons, on some sites hardly any.
func TestPeopleMissPages(t *testing.T) {
	missed, all := 0, 0
	each(t, 40, worlds.Config{Rate: 10}, func(_ int, r *worlds.Request) {
		if !r.Truth.Bot {
			if all++; r.Status == 404 {
				missed++
			}
		}
	})
	if share := float64(missed) / float64(all); share < 0.004 || share > 0.06 {
		t.Errorf("%.4f of the requests of people are for what is not there", share)
	}
}

// Pages load many assets the first time and few later; on some sites none, since they are on
// another host.
func TestCachesAndCDNs(t *testing.T) {
	type visitor struct{ pages, first, later int }
	visitors, assets, pages := map[string]*visitor{}, map[string]int{}, map[string]int{}
	each(t, 60, worlds.Config{Rate: 5, View: worlds.Wire}, func(seed int, r *worlds.Request) {
		if r.Truth.Bot || r.Truth.Kind != "visitor" {
			return
		}
		id := r.Truth.Client + r.Host
		v := visitors[id]
		if v == nil {
			v = &visitor{}
			visitors[id] = v
		}
		switch {
		case isAsset(r):
			assets[r.Host]++
			if v.pages <= 1 {
				v.first++
			} else {
				v.later++
			}
		case navigates(r):
			v.pages++
			pages[r.Host]++
		}
	})
	var first, later, more float64
	for _, v := range visitors {
		if v.pages > 2 {
			first, later, more = first+float64(v.first), later+float64(v.later), more+float64(v.pages-1)
		}
	}
	if n := float64(len(visitors)); later/more > 0.8*first/n*2 {
		t.Errorf("%.1f assets with a first page, %.1f with a later one", first/n, later/more)
	}
	with, without := 0, 0
	for host, n := range pages {
		switch per := float64(assets[host]) / float64(n); {
		case n < 30:
		case per < 0.7: // icons at most
			without++
		case per > 2:
			with++
		}
	}
	if with < 5 || without < 3 {
		t.Errorf("%d sites with assets, %d without", with, without)
	}
}

// Offices and carriers: many people behind one address.
func TestSharedAddresses(t *testing.T) {
	people := map[string]map[string]bool{}
	each(t, 20, worlds.Config{Rate: 20, Duration: 30 * time.Minute}, func(seed int, r *worlds.Request) {
		if r.Truth.Kind == "office" {
			id := r.Client.String() + r.Host
			if people[id] == nil {
				people[id] = map[string]bool{}
			}
			people[id][r.Truth.Client] = true
		}
	})
	most := 0
	for _, p := range people {
		most = max(most, len(p))
	}
	if most < 20 || most > 200 {
		t.Errorf("at most %d people behind an address", most)
	}
}

// In long episodes people sleep, and return with their browser's cache.
func TestDays(t *testing.T) {
	byHour, sessions := [24]float64{}, map[string]map[int]bool{}
	for seed := range uint64(6) {
		w := world(t, worlds.Config{Seed: seed, Duration: 72 * time.Hour, Rate: 0.5})
		for r := w.Next(); r != nil; r = w.Next() {
			if r.Truth.Bot {
				continue
			}
			byHour[w.Begin().Add(r.At).Hour()]++
			id := r.Truth.Client + r.Host
			if sessions[id] == nil {
				sessions[id] = map[int]bool{}
			}
			sessions[id][int(r.At/(4*time.Hour))] = true
		}
	}
	night, evening := byHour[2]+byHour[3]+byHour[4], byHour[18]+byHour[19]+byHour[20]
	if night*2 > evening {
		t.Errorf("%.0f requests at night, %.0f in the evening", night, evening)
	}
	returning := 0
	for _, s := range sessions {
		if len(s) > 2 {
			returning++
		}
	}
	if share := float64(returning) / float64(len(sessions)); share < 0.02 || math.IsNaN(share) {
		t.Errorf("%.3f of the people come three times", share)
	}
}
