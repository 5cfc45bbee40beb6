package traffic_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

var update = flag.Bool("update", false, "write docs/features.md instead of comparing with it")

const featurePage = "../../docs/features.md"

// TestFeaturePage holds docs/features.md to the catalogs.
func TestFeaturePage(t *testing.T) {
	page := newFeaturePage(traffic.RequestCatalog[:], traffic.Catalog())
	if *update {
		if err := os.WriteFile(featurePage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(featurePage)
	if err != nil {
		t.Fatal(err)
	}
	if string(is) != page {
		t.Error("docs/features.md is not what the catalogs say; write it again with: go generate ./featurestore/traffic")
	}
}

// keysOf says what a key of each dimension is.
var keysOf = [traffic.NumDimensions]string{
	traffic.DimIP:          "a client's address; IPv4 mapped into IPv6 is the IPv4 address",
	traffic.DimNet:         "a client's network: /24 of IPv4, /48 of IPv6",
	traffic.DimNet64:       "a client's own network, /64 of IPv6; IPv4 addresses have none",
	traffic.DimUserAgent:   "a User-Agent string",
	traffic.DimWire:        "what a program looks like on the wire (`Wire.Print`); where only its JA4 is known, that",
	traffic.DimProgramWire: "the program and major version that a user agent names (browsers made of\nChromium are one), and what it looks like on the wire",
	traffic.DimHost:        "a requested host",
	traffic.DimSession:     "a session cookie",
	traffic.DimIPAgent:     "a client's address and its User-Agent together",
}

func newFeaturePage(request []traffic.RequestFeature, inter []traffic.Feature) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Features

Written by `+"`go generate ./featurestore/traffic`"+` from the catalogs in that package; edit those.

A model asks for a feature by its full name: `+"`request/NAME` or `DIMENSION/NAME`"+`. What is not known
is NaN.

## request: %d features of the request alone

Computed in the proxy before the request is answered.

| feature | unit | why, or what the codes are |
|---|---|---|
`, len(request))
	for _, f := range request {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Unit, f.Why)
	}
	fmt.Fprintf(&b, `
# Features of earlier requests: %d

Folded by the daemon, by key, and published every 50 ms to 1 s. Sums are exponentially decayed: an
event of age t counts exp(-t/window), so that a steady rate r adds up to r x window. What fades
continues to do so at reading, with its window, or a peak's memory, as time constant; what does not
fade is as of the key's last event. What is computed how is at `+"`traffic.FoldKind`"+`.

An access log tells neither the host that was asked for nor how long a request took. In its rows
these are NaN as well:
%s.
`, len(inter), strings.Join(notLogged(inter), ",\n"))
	writeSteady(&b, inter)
	for d := range traffic.NumDimensions {
		writeDimension(&b, d, inter)
	}
	return b.String()
}

// notLogged lists the features that need what no log tells, although their keys are known.
func notLogged(features []traffic.Feature) []string {
	var names []string
	for _, f := range features {
		if f.Dimension != traffic.DimHost && f.UnknownIf() != 0 {
			names = append(names, "`"+f.FullName()+"`")
		}
	}
	return names
}

// writeSteady tells which features of keys that strangers share a model may read without a flood of
// one of them moving the others' scores.
func writeSteady(b *strings.Builder, inter []traffic.Feature) {
	var steady []string
	for _, f := range inter {
		shared := f.Dimension != traffic.DimIP && f.Dimension != traffic.DimNet64 && f.Dimension != traffic.DimSession && f.Dimension != traffic.DimIPAgent
		if shared && f.Steady() && f.Fold.Kind != traffic.FoldAgent {
			steady = append(steady, "`"+f.FullName()+"`")
		}
	}
	fmt.Fprintf(b, `
Strangers share a key of `+"`net`, `ua`, `wire`, `program_wire` and `host`"+`. A flood of one of them, or
of thousands, moves most features of that key for all: a model that reads them lets a bot condemn
people by copying their user agent, or hide among them. Steady in a flood
(`+"`traffic.Feature.Steady`"+`), beside what a user agent says of itself, are
%s.
`, strings.Join(steady, ",\n"))
}

func writeDimension(b *strings.Builder, d traffic.Dimension, features []traffic.Feature) {
	var rows []string
	for _, f := range features {
		if f.Dimension == d {
			fades := "stays"
			if f.Fade() > 0 {
				fades = "fades"
			}
			if f.Fold.Memory > 0 {
				fades += " over " + windowText(f.Fold.Memory)
			}
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", f.Name, f.Unit, windowText(f.Fold.Window), fades, f.Why))
		}
	}
	fmt.Fprintf(b, "\n## %s: %d features\n\nThe key is %s.\n\n| feature | unit | window | without events | why, or what the codes are |\n|---|---|---|---|---|\n%s",
		d, len(rows), keysOf[d], strings.Join(rows, ""))
}

// windowText is a duration as people write it: 1h0m0s is 1 h.
func windowText(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d%time.Second == 0:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return d.String()
}
