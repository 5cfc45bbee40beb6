package pipeline

import (
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// siteName finds out the host of a log without host names, so that Referers of the same site can be
// recognized: a site's own pages request its assets, so the Referers of assets name it. The
// majority of these hosts is found by Boyer and Moore's vote ("MJRTY", 1991), which keeps one name;
// until that leads by siteVotes, no link is known.
type siteName struct {
	host  string
	votes int
}

const siteVotes = 3

// link sets the event's link if the Referer's host is the site's, and counts the Referer's vote.
func (s *siteName) link(ev *traffic.Event, referer string) {
	host, path := traffic.SplitReferer(referer)
	if host == "" {
		return
	}
	host = strings.ToLower(host)
	if s.votes >= siteVotes && host == s.host {
		traffic.Sums{}.SetLink(ev, path)
	}
	if ev.Status != 200 && ev.Status != 304 || traffic.ClassifyPath(ev.Path) != traffic.PathAsset {
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
