package pipeline

import (
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// siteName finds out the host of a log that tells none, so that a Referer of the same site can be
// told from others: assets are asked for by the site's own pages, so their Referers name it. The
// majority of these is found by Boyer and Moore's vote ("MJRTY", 1991), which keeps one name; until
// that leads by siteVotes, no link is known.
type siteName struct {
	host  string
	votes int
}

const siteVotes = 3

// link sets the page that a Referer names where its host is that of the site, and counts its vote.
func (s *siteName) link(ev *traffic.Event, referer string) {
	host, path := traffic.SplitReferer(referer)
	if host == "" {
		return
	}
	host = strings.ToLower(host)
	if s.votes >= siteVotes && host == s.host {
		traffic.Sums{}.SetLink(ev, path)
	}
	if ev.Status != 200 && ev.Status != 304 || traffic.KindOfPath(ev.Path) != traffic.AssetKind {
		return
	}
	switch {
	case host == s.host:
		s.votes++
	case s.votes == 0:
		s.host, s.votes = host, 1
	default:
		s.votes--
	}
}
