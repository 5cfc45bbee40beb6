package proxyhook

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/scorer"
)

// Config configures a Filter. The zero value scores with the default model and the features of the
// host's daemon, flags scores below 30 and refuses nothing.
type Config struct {
	// Dir is the directory of this host's daemon. It need not exist yet. Default: /run/headgate or
	// /dev/shm/headgate, whichever a daemon uses; both are checked every second.
	Dir string

	// DirOwner is the user of the daemon, by name or number, if that is neither root nor this
	// process's own user. A directory that another user owns or could replace is not used: its
	// features, limits and policy are ignored, no events are reported there, and Stats.Untrusted
	// counts it. Default: no other user.
	DirOwner string

	// ModelFile is the model to score with. Default: the built-in one. The file is checked once a
	// second, and a new model is used as if by ReplaceModel: an invalid file is logged and counted,
	// and the current model stays active. Replace the file by renaming another over it. A file that
	// is written in place is read when it has not changed for a second.
	ModelFile string

	// Loader limits the iterations used of the models in ModelFile and ShadowFile. Default: all.
	Loader scorer.Loader

	// BotClass is the label of the class of bots, whose probability every model of this filter must
	// predict. A model of another class, which may have bots and people swapped, is rejected, and
	// so is a regression. Default: the positive class of the first model in use, or "1" if the file
	// does not name it.
	BotClass string

	// ShadowFile is a shadow model: it scores each request too, and Stats.Shadow counts what its
	// decisions would have been. It changes no decision. The file is checked like ModelFile, but
	// need not exist: without the file there is no shadow model. Default: none.
	ShadowFile string

	// ShadowPolicy judges the shadow model's scores or, without a shadow model, those of the active
	// model; its actions are only counted. Default: Policy, which is then called twice for each
	// request while there is a shadow model.
	ShadowPolicy Policy

	// Policy turns scores into actions. Default: Thresholds{TagBelow: DefaultFlagBelow}, which
	// refuses nothing.
	Policy Policy

	// HeuristicsOff names findings of package heuristics to switch off (see heuristics.Names), so
	// that the model alone determines the score where they would apply. Default: all are on.
	HeuristicsOff []string

	// Limits bounds the requests in flight for each origin, for all hosts together, and together
	// with the other proxy processes of the machine if the daemon's directory exists. The zero
	// value does not limit. A key of Limits.Overrides is the origin's address as in the URL;
	// followed by a space and a host, it also bounds that host within its origin. While the daemon
	// publishes a policy, that policy replaces Threshold, Overrides, RetryAfter and LimitKey.
	Limits limits.LimiterConfig

	// LimitKey selects the parts of the keys of Limits: KeyTenant, KeyOrigin and KeyHost, in this
	// order. Default: the origin, for all hosts together.
	LimitKey []string

	// OriginSilence ends a request whose origin is silent for this long, so that a dead origin that
	// did not close its connections does not hold tickets for ever. An origin is silent while it
	// neither takes more of the request nor sends anything, not even an interim response (1xx);
	// waiting for the client, to send more of the request or to take more of the answer, does not
	// count. OriginSilence must exceed the longest pause of an event stream, and includes the wait
	// for a connection. It does not end upgraded connections: TCP keep-alive, which net.Dialer and
	// net.ListenConfig turn on by default, ends those whose other side is gone. The error is
	// ErrOriginSilent. Default: no limit.
	OriginSilence time.Duration

	// ClientSilence ends a request whose client sends nothing of its body for this long while the
	// body is read, or takes nothing of an HTTP/2 answer. It must exceed the longest pause of a
	// client that streams. Listen watches how a client takes its HTTP/1 answer, and how it takes
	// all its HTTP/2 answers together. Default: no limit.
	ClientSilence time.Duration

	// LongLived reports whether a request is long by design before its first byte is answered, for
	// instance a long poll. Its wait says nothing about its origin, so an adaptive policy of limits
	// must ignore it. It gets the request of Transport or, with Origin, of the Handler. A policy
	// can also set a bound for all requests. Default: none is.
	LongLived func(*http.Request) bool

	// Tenant returns whose request it is, for keys with KeyTenant. Default: no tenant, as for a
	// request for which it panics.
	Tenant func(*traffic.Event) string

	// StaleAfter is the age at which published features count as stale. They are used nevertheless:
	// they fade with time. Default: 10 s.
	StaleAfter time.Duration

	// TrustedProxies lists the networks of proxies in front of this one. Only their entries in
	// X-Forwarded-For are believed. Default: none, so that the client is the peer of the
	// connection. Connections by a Unix socket come from no network: see TrustUnixSocket.
	TrustedProxies []netip.Prefix

	// TrustUnixSocket trusts peers of a Unix socket like one of TrustedProxies: the permissions of
	// the socket must admit only proxies. Default: such connections are not trusted, and their
	// clients are unknown.
	TrustUnixSocket bool

	// SessionCookie names the cookie that identifies sessions. Only its hash is kept. Default:
	// none.
	SessionCookie string

	// Origin returns the origin of a request that the Handler serves, so that the handler itself
	// admits it. It is for handlers that do the work themselves; a proxy uses Transport instead. A
	// request for which it panics has the origin "". Default: none.
	Origin func(*http.Request) string

	// Log gets messages for operators, such as features lost and found again. It is never called
	// for each request. Default: slog.Default().
	Log *slog.Logger
}

func (c *Config) setDefaults() {
	if c.Policy == nil {
		c.Policy = Thresholds{TagBelow: DefaultFlagBelow}
	}
	if c.StaleAfter == 0 {
		c.StaleAfter = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// checkProxies returns the networks in the form that addresses are compared in: IPv4 is IPv4, not
// mapped into IPv6. It does not change the caller's slice.
func (c *Config) checkProxies() error {
	networks := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, p := range c.TrustedProxies {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if !p.IsValid() {
			return fmt.Errorf("trusted proxies: %v is not a network", p)
		}
		networks = append(networks, p)
	}
	c.TrustedProxies = networks
	return nil
}

// loadModel returns the model, and the state of its file before it was read, if there is a file.
func (c *Config) loadModel() (m *scorer.Model, file os.FileInfo, err error) {
	if c.ModelFile == "" {
		m, err = scorer.Load(models.Default())
		return m, nil, err
	}
	if file, err = os.Stat(c.ModelFile); err != nil {
		return nil, nil, err
	}
	m, err = c.Loader.LoadFile(c.ModelFile)
	return m, file, err
}
