package hostlimits

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/base/hostname"
)

// Warning is about an override that is valid, but may not do what was meant.
type Warning struct {
	Key    string `json:"key"` // of the override, as it was written
	Reason string `json:"reason"`
}

// String returns the warning on one line.
func (w Warning) String() string { return fmt.Sprintf("override %q: %s", w.Key, w.Reason) }

// defaultKey is what keys are made of if a policy does not say. A client can make up hosts, but not
// origins. hostKey is what the keys of single hosts within an origin are made of then.
var (
	defaultKey = []string{KeyOrigin}
	hostKey    = []string{KeyOrigin, KeyHost}
)

func (p *Policy) parts() []string {
	if len(p.Key) == 0 {
		return defaultKey
	}
	return p.Key
}

// overrideParts returns what the key of an override is made of.
func (p *Policy) overrideParts(override string) []string {
	if len(p.Key) == 0 && len(strings.Fields(override)) > len(defaultKey) {
		return hostKey
	}
	return p.parts()
}

// BoundsHosts reports whether there is an override for a host within its origin, which bounds that
// host as well as the origin. Such overrides exist if Key is empty: their keys are those of
// [AppendHostKey].
func (p *Policy) BoundsHosts() bool {
	if len(p.Key) > 0 {
		return false
	}
	for key := range p.Overrides {
		if strings.Contains(key, " ") {
			return true
		}
	}
	return false
}

// AppendHostKey appends the key of a host within an origin to b, as [Policy.AppendKey] appends a
// request's.
func AppendHostKey(b []byte, origin, host string) []byte {
	return hostname.AppendHost(append(hostname.AppendOrigin(b, origin), ' '), host)
}

// KeyText returns what keys are made of, in words.
func (p *Policy) KeyText() string { return strings.Join(p.parts(), " and ") }

// Canonical brings the keys of the overrides into the form that the keys of requests have, and
// returns warnings in the order of the keys. It leaves out an override that no request can match,
// with a warning. Two overrides of one key are an error, a *[ConfigError], unless they are the
// same.
func (p *Policy) Canonical() ([]Warning, error) {
	if len(p.Overrides) == 0 {
		return nil, nil
	}
	var warnings []Warning
	canonical := make(map[string]uint32, len(p.Overrides))
	written := make(map[string]string, len(p.Overrides))
	for _, key := range slices.Sorted(maps.Keys(p.Overrides)) {
		form, odd, ok := p.canonicalKey(key)
		for _, reason := range odd {
			warnings = append(warnings, Warning{key, reason})
		}
		if !ok {
			continue
		}
		n := p.Overrides[key]
		if other, twice := written[form]; twice {
			if canonical[form] != n {
				return nil, &ConfigError{"Overrides", key,
					fmt.Sprintf("%q is the same key with another threshold; keep one", other)}
			}
			warnings = append(warnings, Warning{key, fmt.Sprintf("%q is the same key", other)})
		}
		canonical[form], written[form] = n, key
	}
	p.Overrides = canonical
	return warnings, nil
}

// canonicalKey returns the canonical form of an override's key; ok is false if no request has that
// key.
func (p *Policy) canonicalKey(key string) (form string, odd []string, ok bool) {
	parts := p.overrideParts(key)
	values, problem := splitKey(parts, key)
	if problem != "" {
		return "", []string{problem}, false
	}
	for i, part := range parts {
		switch value := values[i]; part {
		case KeyTenant:
			odd = appendOdd(odd, oddTenant(value))
		case KeyOrigin:
			odd = appendOdd(odd, hostname.OriginProblem(value))
		case KeyHost:
			odd = appendOdd(odd, hostname.HostProblem(value))
		}
	}
	at := func(part string) string {
		if i := slices.Index(parts, part); i >= 0 {
			return values[i]
		}
		return ""
	}
	return string(appendKey(nil, parts, at(KeyTenant), at(KeyOrigin), at(KeyHost))), odd, true
}

func appendOdd(odd []string, reason string) []string {
	if reason == "" {
		return odd
	}
	return append(odd, reason)
}

// splitKey splits a key into its parts at blanks. Only the tenant may contain blanks. Parts that
// are missing at the end are empty, and so is a tenant for which nothing is left.
func splitKey(parts []string, key string) (values []string, problem string) {
	words := strings.Fields(key)
	tenant := slices.Index(parts, KeyTenant)
	switch {
	case tenant < 0 && len(words) > len(parts):
		return nil, fmt.Sprintf("it can never match: it has %d parts, and a key is made of %s%s",
			len(words), (&Policy{Key: parts}).KeyText(), keyHint(parts))
	case tenant < 0 || len(words) < len(parts)-1:
		return append(words, make([]string, len(parts)-len(words))...), ""
	}
	behind := len(parts) - 1 - tenant
	values = append(values, words[:tenant]...)
	values = append(values, strings.Join(words[tenant:len(words)-behind], " "))
	return append(values, words[len(words)-behind:]...), ""
}

// keyHint returns what to do if a key has a part too many.
func keyHint(parts []string) string {
	if slices.Contains(parts, KeyHost) {
		return ""
	}
	return fmt.Sprintf(` (for limits of hosts set "key": ["%s", "host"])`,
		strings.Join(parts, `", "`))
}

func oddTenant(tenant string) string {
	switch {
	case tenant == "":
		return "it names no tenant: it holds only for requests of noSeat"
	case len(tenant) > MaxKeyTenant:
		return fmt.Sprintf("the tenant is cut to %d bytes, as it is in requests: "+
			"it holds for all that begin with these", MaxKeyTenant)
	}
	return ""
}

// Override is a key with a threshold of its own.
type Override struct {
	Key       string `json:"key"`
	Threshold uint32 `json:"threshold"`
}

// SortedOverrides returns the overrides in the order of their keys.
func (p *Policy) SortedOverrides() []Override {
	all := make([]Override, 0, len(p.Overrides))
	for key, n := range p.Overrides {
		all = append(all, Override{key, n})
	}
	slices.SortFunc(all, func(a, b Override) int { return cmp.Compare(a.Key, b.Key) })
	return all
}
