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

// Config configures a Filter. The zero value scores with the default model and the features of the host's daemon, flags
// scores below 30 and refuses nothing.
type Config struct {
	// Dir is the directory that the daemon of this host owns. It need not exist yet. Default: /run/headgate or
	// /dev/shm/headgate, whichever a daemon has made its own; both are looked for every second.
	Dir string

	// DirOwner is the user that the daemon runs as, by name or number, where he is neither root nor this process's own
	// user. A directory of anybody else, or one that he could exchange, is not used: its features, its limits and its
	// policy are ignored, no events are reported there, and Stats.Untrusted counts it. Default: nobody.
	DirOwner string

	// ModelFile is a model to score with. Default: the one that is built in. The file is looked at once a second, and the
	// model that has come in its place is put in use as ReplaceModel does: what cannot be read, or does not fit, is
	// logged and counted, and the one before serves on. Replace the file by renaming another over it. One that is
	// written in place is read when it has not changed for a second.
	ModelFile string

	// Loader says how many iterations of the models in ModelFile and ShadowFile are used. Default: all.
	Loader scorer.Loader

	// BotClass is the label of the class that stands for bots, whose probability every model of this filter must predict.
	// A model of another one, which may have bots and people the other way round, is refused, and so is a regression.
	// Default: the positive class of the first model in use, which is "1" where a file names none.
	BotClass string

	// ShadowFile is a model to try: it scores each request beside the other, and Stats.Shadow counts what would have come of it.
	// It changes no decision. The file is looked at as ModelFile is, but need not exist: while there is none, there
	// is no shadow model. Default: none.
	ShadowFile string

	// ShadowPolicy judges the shadow model's scores or, where there is no shadow model, those of the model in use, and its
	// actions are only counted. Default: Policy, which is then asked twice for each request while there is a shadow model.
	ShadowPolicy Policy

	// Policy turns scores into actions. Default: Thresholds{TagBelow: DefaultFlagBelow}, which refuses nothing.
	Policy Policy

	// HeuristicsOff names findings of package heuristics that are not looked for (see heuristics.Names), so that the model alone
	// gives the score where they would apply. Default: all are looked for.
	HeuristicsOff []string

	// Limits bounds the requests in flight for each origin, whatever the host, together with the other proxy processes of
	// the machine where the daemon's directory is there. The zero value does not limit. A key of Limits.Overrides is the
	// origin's address as the URL has it; with a space and a host behind it, it bounds that host within its origin,
	// besides. While the daemon publishes a policy, that is used in place of Threshold, Overrides, RetryAfter and LimitKey.
	Limits limits.LimiterConfig

	// LimitKey is what the keys of Limits are made of: KeyTenant, KeyOrigin and KeyHost, in this order. Default: the origin, whatever the host.
	LimitKey []string

	// OriginSilence ends a request whose origin is silent for so long, so that an origin that is dead without having
	// closed its connections does not hold tickets for ever. Silence is the time in which the origin neither takes more
	// of the request nor sends anything, be it an interim response (1xx); that in which the client is waited for, for more
	// of the request or to take more of the answer, does not count. It must be longer than the longest pause of an event
	// stream, and includes the wait for a connection. Upgraded connections are not ended by it: TCP keep-alive, which
	// net.Dialer and net.ListenConfig turn on by default, ends those whose other side is gone. The error is
	// ErrOriginSilent. Default: none.
	OriginSilence time.Duration

	// ClientSilence ends a request whose client sends nothing of its body for so long while the body is read, or takes
	// nothing of an answer by HTTP/2. It must be longer than the longest pause of a client that streams. How a client by
	// HTTP/1 takes its answer, and one by HTTP/2 all of its answers together, is for Listen to watch. Default: none.
	ClientSilence time.Duration

	// LongLived reports whether a request is long by design before its first byte is answered, as a long poll is, so that
	// its wait says nothing about its origin: an adaptive policy of limits must not follow it. It gets the request as
	// Transport or, with Origin, the Handler got it. A policy can also state a bound for all. Default: none is.
	LongLived func(*http.Request) bool

	// Tenant tells whose request it is, for keys with KeyTenant. Default: nobody's; so is a request for which it
	// panics.
	Tenant func(*traffic.Event) string

	// StaleAfter is the age from which published features count as stale. They are used all the same: they fade by
	// themselves. Default: 10 s.
	StaleAfter time.Duration

	// TrustedProxies are the networks of proxies in front of this one. Only what they wrote into X-Forwarded-For is
	// believed. Default: none, so that a client is who opened the connection. A connection by a Unix socket is from no
	// network: see TrustUnixSocket.
	TrustedProxies []netip.Prefix

	// TrustUnixSocket trusts who connects by a Unix socket like one of TrustedProxies: whoever the permissions of the
	// socket let in is a proxy in front of this one. Default: such connections are not trusted, and their clients
	// unknown.
	TrustUnixSocket bool

	// SessionCookie names the cookie that tells sessions apart. Only its hash is kept. Default: none.
	SessionCookie string

	// Origin tells which origin a request that the Handler serves goes to, so that the handler itself admits it. For
	// handlers that do the work themselves; a proxy uses Transport instead. A request for which it panics goes to the
	// origin "". Default: none.
	Origin func(*http.Request) string

	// Log gets what an operator should know: features lost and found again. Never called for each request. Default:
	// slog.Default().
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

// checkProxies brings the networks into the form that addresses are compared in: IPv4 is IPv4, not mapped into IPv6.
// The caller's slice stays as it is.
func (c *Config) checkProxies() error {
	networks := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, p := range c.TrustedProxies {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if !p.IsValid() {
			return fmt.Errorf("trusted proxies: %v is no network", p)
		}
		networks = append(networks, p)
	}
	c.TrustedProxies = networks
	return nil
}

// loadModel also gives the state of the model's file before it was read, if it is a file.
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
