package wire

// name is a header field that something depends on.
type name uint8

const (
	otherName name = iota

	// Names whose position is recorded.
	agentName
	acceptName
	encodingName
	languageName
	hintsName
	cookieName
	priorityName
	hostName
	connectionName

	// Names that are needed to follow the protocol.
	lengthName
	codingName
	upgradeName
	methodPseudo
	authorityPseudo
	schemePseudo
	pathPseudo
	otherPseudo

	numRecorded = lengthName
)

// maxName exceeds the length of every name below.
const maxName = 24

// parseName returns the name of a header field in lower case.
func parseName(lower []byte) name {
	switch string(lower) {
	case "user-agent":
		return agentName
	case "accept":
		return acceptName
	case "accept-encoding":
		return encodingName
	case "accept-language":
		return languageName
	case "sec-ch-ua":
		return hintsName
	case "cookie":
		return cookieName
	case "priority":
		return priorityName
	case "host":
		return hostName
	case "connection":
		return connectionName
	case "content-length":
		return lengthName
	case "transfer-encoding":
		return codingName
	case "upgrade":
		return upgradeName
	case ":method":
		return methodPseudo
	case ":authority":
		return authorityPseudo
	case ":scheme":
		return schemePseudo
	case ":path":
		return pathPseudo
	}
	if len(lower) > 0 && lower[0] == ':' {
		return otherPseudo
	}
	return otherName
}

// isCommon reports whether clients send a field with nearly all of their requests, so that its
// spelling is the program's and not that of a page's script.
func (n name) isCommon() bool {
	switch n {
	case agentName, acceptName, encodingName, languageName, hostName, connectionName:
		return true
	}
	return false
}
