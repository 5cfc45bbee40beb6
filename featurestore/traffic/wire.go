package traffic

import "math/bits"

// Wire is what a request looked like before it was parsed: the order of its header fields and, of
// HTTP/2, how the client set the connection up. The upper 32 bits are a hash, the lower ones the
// [WireFacts]. The zero value is unknown.
type Wire uint64

// Print returns the hash of what is the same for all requests of a client program, 0 if it is
// unknown.
func (w Wire) Print() uint32 { return uint32(w >> 32) }

// FieldOrder is which of two header fields came first.
type FieldOrder uint8

// The orders. Their numbers do not change, since models know them.
const (
	OrderMissing  FieldOrder = 0 // at least one of the two was not sent
	OrderAsNamed  FieldOrder = 1 // the one that the fact names first came first
	OrderReversed FieldOrder = 2
)

// CookiePosition is where the Cookie header field was.
type CookiePosition uint8

// The positions of Cookie. Their numbers do not change.
const (
	CookieMissing        CookiePosition = 0
	CookieLast           CookiePosition = 1
	CookieBeforePriority CookiePosition = 2 // nothing but Priority came after it
	CookieElsewhere      CookiePosition = 3
)

// NameCase is how the names of HTTP/1.1's header fields were written. HTTP/2 has lower case only.
type NameCase uint8

// The cases. Their numbers do not change.
const (
	CaseCanonical NameCase = 0 // User-Agent
	CaseLower     NameCase = 1 // user-agent
	CaseMixed     NameCase = 2 // some one way, some the other
	CaseOther     NameCase = 3 // User-agent
)

// ConnectionPosition is where HTTP/1.1's Connection header field was.
type ConnectionPosition uint8

// The positions of Connection. Their numbers do not change.
const (
	ConnectionMissing     ConnectionPosition = 0
	ConnectionBeforeAgent ConnectionPosition = 1 // before User-Agent
	ConnectionLast        ConnectionPosition = 2 // the last of all, after User-Agent or without one
	ConnectionElsewhere   ConnectionPosition = 3
)

// WireFacts are the lower 32 bits of a [Wire].
type WireFacts struct {
	Seen bool // the order of the header fields is known; without it nothing below is

	AgentAccept      FieldOrder // User-Agent, Accept
	EncodingLanguage FieldOrder // Accept-Encoding, Accept-Language
	LanguageAccept   FieldOrder // Accept-Language, Accept
	HintsAgent       FieldOrder // Sec-CH-UA, User-Agent
	Cookie           CookiePosition

	Pseudo uint8 // HTTP/2: order of the pseudo-header fields, see PseudoOrder; 0: HTTP/1

	// HTTP/1 only.
	Case       NameCase
	HostFirst  bool // Host was the first field
	Connection ConnectionPosition

	// HTTP/2 only: what the client sent before its first request.
	Settings         uint8 // bit n-1: the setting with identifier n was sent, for 1 to 6
	Window           uint8 // WindowClass of SETTINGS_INITIAL_WINDOW_SIZE
	ConnectionWindow uint8 // WindowClass of the first WINDOW_UPDATE of the connection
	PriorityFrames   bool  // PRIORITY frames were sent
	HeadersPriority  bool  // the HEADERS frame of this request has a priority
}

// Settings of HTTP/2 as bits of [WireFacts].Settings.
const (
	SettingTable    = 1 << 0 // SETTINGS_HEADER_TABLE_SIZE
	SettingPush     = 1 << 1 // SETTINGS_ENABLE_PUSH
	SettingStreams  = 1 << 2 // SETTINGS_MAX_CONCURRENT_STREAMS
	SettingWindow   = 1 << 3 // SETTINGS_INITIAL_WINDOW_SIZE
	SettingFrame    = 1 << 4 // SETTINGS_MAX_FRAME_SIZE
	SettingHeaders  = 1 << 5 // SETTINGS_MAX_HEADER_LIST_SIZE
	allSettings     = 1<<6 - 1
	maxWindowClass  = 15
	leastWindowLog2 = 15 // of class 0, which also stands for a window that was not sent
)

// WindowClass returns the class of a window: 0 where it is 0 or was not sent, else its binary
// logarithm less 15, from 1 to 15.
func WindowClass(size uint32) uint8 {
	if size == 0 {
		return 0
	}
	return uint8(min(max(1, bits.Len32(size)-1-leastWindowLog2), maxWindowClass))
}

// The positions of the facts in a Wire, in bits.
const (
	agentAcceptAt      = 0
	encodingLanguageAt = 2
	languageAcceptAt   = 4
	hintsAgentAt       = 6
	cookieAt           = 8
	pseudoAt           = 10
	caseAt             = 15 // HTTP/1
	hostFirstAt        = 17
	connectionAt       = 18
	settingsAt         = 15 // HTTP/2
	windowAt           = 21
	connectionWindowAt = 25
	priorityFramesAt   = 29
	headersPriorityAt  = 30
	seenAt             = 31
)

// MakeWire returns the wire of a program with the given print.
func MakeWire(f WireFacts, print uint32) Wire {
	w := Wire(print) << 32
	if !f.Seen {
		return w
	}
	w |= 1<<seenAt | Wire(f.AgentAccept&3)<<agentAcceptAt |
		Wire(f.EncodingLanguage&3)<<encodingLanguageAt |
		Wire(f.LanguageAccept&3)<<languageAcceptAt | Wire(f.HintsAgent&3)<<hintsAgentAt |
		Wire(f.Cookie&3)<<cookieAt
	if f.Pseudo == 0 {
		return w | Wire(f.Case&3)<<caseAt | bit(f.HostFirst)<<hostFirstAt |
			Wire(f.Connection&3)<<connectionAt
	}
	return w | Wire(min(f.Pseudo, OtherPseudoOrder))<<pseudoAt |
		Wire(f.Settings&allSettings)<<settingsAt |
		Wire(min(f.Window, maxWindowClass))<<windowAt |
		Wire(min(f.ConnectionWindow, maxWindowClass))<<connectionWindowAt |
		bit(f.PriorityFrames)<<priorityFramesAt | bit(f.HeadersPriority)<<headersPriorityAt
}

// Facts returns the facts of w.
func (w Wire) Facts() WireFacts {
	if w>>seenAt&1 == 0 {
		return WireFacts{}
	}
	f := WireFacts{
		Seen:             true,
		AgentAccept:      FieldOrder(w >> agentAcceptAt & 3),
		EncodingLanguage: FieldOrder(w >> encodingLanguageAt & 3),
		LanguageAccept:   FieldOrder(w >> languageAcceptAt & 3),
		HintsAgent:       FieldOrder(w >> hintsAgentAt & 3),
		Cookie:           CookiePosition(w >> cookieAt & 3),
		Pseudo:           uint8(w >> pseudoAt & 31),
	}
	if f.Pseudo == 0 {
		f.Case, f.HostFirst, f.Connection = NameCase(w>>caseAt&3), w>>hostFirstAt&1 != 0,
			ConnectionPosition(w>>connectionAt&3)
		return f
	}
	f.Settings = uint8(w >> settingsAt & allSettings)
	f.Window, f.ConnectionWindow = uint8(w>>windowAt&15), uint8(w>>connectionWindowAt&15)
	f.PriorityFrames, f.HeadersPriority = w>>priorityFramesAt&1 != 0, w>>headersPriorityAt&1 != 0
	return f
}

func bit(yes bool) Wire {
	if yes {
		return 1
	}
	return 0
}

// OtherPseudoOrder is the code of pseudo-header fields that are not :method, :scheme, :authority
// and :path, once each.
const OtherPseudoOrder = 25

// PseudoOrder returns the code of an order of HTTP/2's pseudo-header fields, each by its first
// letter: "masp" is :method, :authority, :scheme, :path. The 24 orders have the codes 1 to 24 in
// the order of the alphabet (1 amps, 8 masp, 9 mpas, 10 mpsa, 11 msap, 24 spma); the codes do not
// change. Anything else is [OtherPseudoOrder].
func PseudoOrder(order string) uint8 {
	const letters = "amps"
	if len(order) != len(letters) {
		return OtherPseudoOrder
	}
	code, used := 0, 0
	for i := range order {
		place := -1
		smaller := 0 // letters before this one that are not used yet
		for j := range letters {
			if letters[j] == order[i] {
				place = j
				break
			}
			smaller += 1 - used>>j&1
		}
		if place < 0 || used>>place&1 != 0 {
			return OtherPseudoOrder
		}
		used |= 1 << place
		code = code*(len(letters)-i) + smaller
	}
	return uint8(code + 1)
}
