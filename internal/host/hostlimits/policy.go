package hostlimits

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/base/hostname"
)

// Policy is what a connection limiter follows and may change while it runs. As JSON it is both the
// operator's file and what the daemon publishes to the proxies of a host. The zero value limits
// nothing.
//
//	{"threshold": 200, "retry_after": "2s",
//	 "overrides": {"10.0.0.1:8080 shop.example": 20},
//	 "shed_from": 0.8,
//	 "adaptive": {"latency": "250ms", "floor": 8}}
type Policy struct {
	// Key is what a key is made of, in this order and with a space between: KeyTenant, KeyOrigin
	// and KeyHost. Empty means the origin, for every host; an override of an origin and a host then
	// bounds that host as well. A client can make up hosts: a Key with KeyHost does not bound an
	// origin, unless the proxy passes on only hosts that it knows.
	Key []string `json:"key,omitempty"`

	// requests in flight of a key; 0 means Unlimited
	Threshold uint32 `json:"threshold,omitempty"`
	// of keys with a threshold of their own; 0 refuses all
	Overrides  map[string]uint32 `json:"overrides,omitempty"`
	RetryAfter Duration          `json:"retry_after,omitempty"`

	// ShedFrom turns on refusal by score: from this part of a key's threshold on, in (0, 1),
	// requests with low scores are refused before those with high ones. See [Policy.ShedThreshold].
	// 0: off.
	ShedFrom float64 `json:"shed_from,omitempty"`

	// Adaptive lowers thresholds while an origin is slow. Nil: off.
	Adaptive *AdaptivePolicy `json:"adaptive,omitempty"`
}

// AdaptivePolicy makes a key's threshold follow its origin's latency by additive increase and
// multiplicative decrease (Chiu and Jain, "Analysis of the increase and decrease algorithms for
// congestion avoidance in computer networks", Computer Networks and ISDN Systems 17, 1989). A
// request that waited longer than Latency lowers the threshold by a tenth, at most once in Latency;
// a quick one that found at least half of the threshold in use raises it by 1/threshold. It stays
// between Floor and the configured threshold. Each process follows the latency that it sees.
//
// A request waits from its last byte to the first byte of its answer; [Ending] says how waits
// without an answer count.
type AdaptivePolicy struct {
	Latency Duration `json:"latency"`         // above 0
	Floor   uint32   `json:"floor,omitempty"` // 0 means 1

	// LongLived is the time from which on a wait does not count, since that of a long poll is long
	// by design. It must be above Latency, and should be well above what an overloaded origin
	// takes. 0: every wait counts.
	LongLived Duration `json:"long_lived,omitempty"`
}

// The parts of a key.
const (
	KeyTenant = "tenant"
	KeyOrigin = "origin"
	KeyHost   = "host"
)

// MaxPolicy is the size of the largest policy that is parsed, in bytes: 65,536 overrides with long
// keys.
const MaxPolicy = 16 << 20

// Duration is a time.Duration that is a string such as "250ms" in JSON.
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// ParsePolicy reads a policy from JSON and brings its overrides into canonical form. Unknown fields
// are errors: a misspelt threshold must not go unnoticed.
func ParsePolicy(text []byte) (Policy, error) {
	p, _, err := CheckPolicy(text)
	return p, err
}

// CheckPolicy is [ParsePolicy] with warnings for the operator.
func CheckPolicy(text []byte) (p Policy, warnings []Warning, err error) {
	if len(text) > MaxPolicy {
		return Policy{}, nil, fmt.Errorf("limits: a policy of %d bytes, want at most %d", len(text),
			MaxPolicy)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, nil, fmt.Errorf("limits: policy: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Policy{}, nil, errors.New("limits: policy: more follows after its end")
	}
	if err := p.Check(); err != nil {
		return Policy{}, nil, err
	}
	if warnings, err = p.Canonical(); err != nil {
		return Policy{}, nil, err
	}
	return p, append(repeated(text), warnings...), nil
}

// repeated returns a warning for each override that a JSON text has more than once. The last one
// holds.
func repeated(text []byte) (warnings []Warning) {
	var p struct{ Overrides json.RawMessage }
	if json.Unmarshal(text, &p) != nil || len(p.Overrides) == 0 {
		return nil
	}
	seen := make(map[string]bool)
	for d := json.NewDecoder(bytes.NewReader(p.Overrides)); ; {
		token, err := d.Token()
		if err != nil {
			return warnings
		}
		if key, ok := token.(string); ok { // values are numbers
			if seen[key] {
				warnings = append(warnings,
					Warning{key, "it is written more than once: the last one holds"})
			}
			seen[key] = true
		}
	}
}

// Check reports invalid settings. The error is a *[ConfigError] or [ErrTooManyOverrides].
func (p *Policy) Check() error {
	seen := make(map[string]bool)
	for _, part := range p.Key {
		if part != KeyTenant && part != KeyOrigin && part != KeyHost || seen[part] {
			return &ConfigError{"Key", p.Key,
				`want "tenant", "origin" and "host", each once at most`}
		}
		seen[part] = true
	}
	switch {
	case len(p.Overrides) > MaxOverrides:
		return fmt.Errorf("%w: %d, want at most %d", ErrTooManyOverrides, len(p.Overrides),
			MaxOverrides)
	case p.RetryAfter < 0:
		return &ConfigError{"RetryAfter", time.Duration(p.RetryAfter), "must not be negative"}
	case !(p.ShedFrom >= 0 && p.ShedFrom < 1):
		return &ConfigError{"ShedFrom", p.ShedFrom, "must be from 0 to below 1"}
	case p.Adaptive != nil && p.Adaptive.Latency <= 0:
		return &ConfigError{"Adaptive.Latency", time.Duration(p.Adaptive.Latency),
			"must be above 0"}
	case p.Adaptive != nil && p.Adaptive.LongLived != 0 &&
		p.Adaptive.LongLived <= p.Adaptive.Latency:
		return &ConfigError{"Adaptive.LongLived", time.Duration(p.Adaptive.LongLived),
			"must be above Adaptive.Latency, or 0"}
	}
	return nil
}

// maxScore is the score of a certain human.
const maxScore = 99

// ShedThreshold returns how many requests may be in flight for one of this score to be admitted: it
// rises in proportion to the score, from ShedFrom of the threshold for a certain bot (1) to all of
// it for a certain human (99). A request without a score (0) counts as human. At least one request
// of any score may always be in flight, unless the threshold is 0.
func (p *Policy) ShedThreshold(threshold uint32, score uint8) uint32 {
	if p.ShedFrom == 0 || score == 0 || score >= maxScore || threshold == Unlimited {
		return threshold
	}
	part := p.ShedFrom + (1-p.ShedFrom)*float64(score-1)/(maxScore-1)
	return max(min(threshold, 1), uint32(math.Ceil(part*float64(threshold))))
}

// Bounds of keys, in bytes. A part that is longer is cut.
const (
	MaxKeyTenant = 112
	MaxKey       = MaxKeyTenant + 1 + hostname.MaxOrigin + 1 + hostname.MaxHost
)

// AppendKey appends the key of a request to b: the parts that Key names, in their canonical form
// (see [hostname.AppendHost] and [hostname.AppendOrigin]; blanks at the ends of a tenant are cut),
// at most MaxKey bytes. It allocates only what b lacks in capacity.
func (p *Policy) AppendKey(b []byte, tenant, origin, host string) []byte {
	return appendKey(b, p.parts(), tenant, origin, host)
}

func appendKey(b []byte, parts []string, tenant, origin, host string) []byte {
	for i, part := range parts {
		if i > 0 {
			b = append(b, ' ')
		}
		switch part {
		case KeyTenant:
			b = appendTenant(b, tenant)
		case KeyOrigin:
			b = hostname.AppendOrigin(b, origin)
		case KeyHost:
			b = hostname.AppendHost(b, host)
		}
	}
	return b
}

const blanks = " \t"

func appendTenant(b []byte, tenant string) []byte {
	tenant = strings.Trim(tenant, blanks)
	return append(b, strings.TrimRight(tenant[:min(len(tenant), MaxKeyTenant)], blanks)...)
}

// Apply makes l follow the policy's thresholds, for requests that come after it. It is not for the
// request path.
func (l *Limiter) Apply(p Policy) error {
	if err := p.Check(); err != nil {
		return err
	}
	l.configuring.Lock()
	defer l.configuring.Unlock()
	former := l.thresholds.all()
	if err := l.thresholds.fill(p.Overrides); err != nil {
		return err
	}
	l.SetDefault(cmp.Or(p.Threshold, Unlimited))
	l.SetRetryAfter(time.Duration(p.RetryAfter))
	for key := range p.Overrides {
		delete(former, key)
		l.pin(key)
	}
	for key := range former {
		l.unpin(key)
	}
	return nil
}
