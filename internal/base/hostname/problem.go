package hostname

import (
	"fmt"
	"strings"
)

// OriginProblem returns what is odd about an origin that an operator has written, or nothing: why
// no request, or not only the one that was meant, has its canonical form.
func OriginProblem(origin string) string {
	if origin == "" {
		return "it names no origin: it holds only for requests without one"
	}
	name, port, _, isAddress := split(withoutScheme(origin))
	switch {
	case isAddress && !strings.Contains(origin, "["):
		return "an IPv6 address without brackets has no port: write [ADDRESS]:PORT for one"
	case isAddress:
	case name == "":
		return "the origin has no name: it can match only what the proxy itself calls so"
	case len(appendName(nil, name, maxSpelling)) > MaxOrigin-len(":65535"):
		return fmt.Sprintf("the origin is cut to %d bytes, as it is in requests: "+
			"it holds for all that begin with these",
			MaxOrigin-len(":65535"))
	}
	if port = strings.TrimLeft(port, "0"); plainPort(port) && len(port) == 5 && port > "65535" {
		return "it can never match: there is no such port"
	}
	return ""
}

// HostProblem returns what is odd about a host that an operator has written, or nothing, as
// [OriginProblem] does.
func HostProblem(host string) string {
	if host == "" {
		return "it names no host: it holds only for requests without one"
	}
	name, _, _, isAddress := split(host)
	if isAddress {
		return ""
	}
	full := string(appendName(nil, name, maxSpelling))
	switch {
	case full == "":
		return "it names no host: it holds only for requests without one"
	case strings.Contains(full, "://"), strings.Contains(host, "://"):
		return "a host has no scheme: no request names such a host"
	case strings.Contains(full, "*"):
		return "it can never match: a host has no wildcards"
	case strings.Contains(full, "%"), strings.ContainsAny(full, "/@?#,;!'()=&$+[]"):
		return "no request should name such a host " +
			"(a name that is not ASCII is written in its xn-- form)"
	case len(full) > MaxHost:
		return fmt.Sprintf("the host is cut to %d bytes, as it is in requests: "+
			"it holds for all that begin with these", MaxHost)
	}
	for label := range strings.SplitSeq(full, ".") {
		if len(label) < 1 || len(label) > 63 {
			return "it can hardly match: a host has labels of 1 to 63 bytes between its dots"
		}
	}
	return ""
}
