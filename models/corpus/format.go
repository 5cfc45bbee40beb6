package corpus

import (
	"crypto/tls"
	"time"
)

// Format is the value of [Head].Format in files that this package reads.
const Format = "headgate corpus 1"

// Extension is the end of the name of a corpus file.
const Extension = ".jsonl.gz"

// Head is the first line of a file.
type Head struct {
	Format   string    `json:"format"`
	Family   string    `json:"family"`
	Recorded time.Time `json:"recorded"`
	System   string    `json:"system,omitempty"` // system of the clients
}

// The values of Run.Truth.
const (
	Person = "person" // or a stand-in: a real browser under real input events
	Bot    = "bot"
)

// Run is one client's visit to one site.
type Run struct {
	ID       int    `json:"id"`
	Truth    string `json:"truth"`             // Person or Bot
	Intent   string `json:"intent"`            // its purpose, such as scraper or reader
	Program  string `json:"program"`           // such as py-requests
	Version  string `json:"version,omitempty"` // of the program
	Disguise string `json:"disguise"`          // plain, or how the program pretends to be another
	Site     string `json:"site"`              // kind of the site
	Client   string `json:"client"`            // address; several runs may share one
	Start    int64  `json:"start"`
	Thinned  int    `json:"thinned,omitempty"` // requests left out, of a client that sent very many
}

// Conn is one connection of a run.
type Conn struct {
	ID    int     `json:"id"`
	Run   int     `json:"run"`
	At    int64   `json:"at"`
	Hello *Hello  `json:"hello,omitempty"` // nil: in the clear
	H2    []Frame `json:"h2,omitempty"`    // HTTP/2 frames that set the connection up, as sent
}

// Hello is a TLS client hello, values and order as sent, GREASE included.
type Hello struct {
	ServerName string   `json:"sni,omitempty"`
	Versions   []uint16 `json:"versions"`
	Ciphers    []uint16 `json:"ciphers"`
	Extensions []uint16 `json:"extensions"`
	Curves     []uint16 `json:"curves,omitempty"`
	Points     []uint8  `json:"points,omitempty"`
	Signatures []uint16 `json:"signatures,omitempty"`
	Protocols  []string `json:"alpn,omitempty"`
}

// Frame is an HTTP/2 frame at the start of a connection: SETTINGS with its pairs of identifier and
// value, WINDOW_UPDATE with stream and increment, PRIORITY with stream, the stream it depends on,
// exclusive and weight.
type Frame struct {
	Type   string      `json:"type"`
	Values [][2]uint32 `json:"values"`
}

// Request is one request that the filter saw.
type Request struct {
	Conn     int         `json:"conn"`
	At       int64       `json:"at"`
	Method   string      `json:"method"`
	Target   string      `json:"target"`             // as sent: path and query, or a whole URL
	Host     string      `json:"host"`               // HTTP/1: the Host field; HTTP/2: :authority
	Proto    string      `json:"proto"`              // such as HTTP/1.1
	Pseudo   string      `json:"pseudo,omitempty"`   // HTTP/2: initials of the pseudo-header fields in order, such as masp
	Priority []uint32    `json:"priority,omitempty"` // HTTP/2: the stream it depends on, exclusive (0 or 1), weight; empty: not sent
	Header   [][2]string `json:"header"`             // name and value, in order and as spelled
	Body     int64       `json:"body,omitempty"`     // bytes of the request's body that were read
	Status   int         `json:"status"`
	Bytes    int64       `json:"bytes"`
	Duration int64       `json:"duration"` // microseconds
}

// NewHello copies the fields that crypto/tls reports of a hello.
func NewHello(info *tls.ClientHelloInfo) *Hello {
	h := &Hello{
		ServerName: info.ServerName,
		Versions:   append([]uint16(nil), info.SupportedVersions...),
		Ciphers:    append([]uint16(nil), info.CipherSuites...),
		Extensions: append([]uint16(nil), info.Extensions...),
		Protocols:  append([]string(nil), info.SupportedProtos...),
	}
	for _, c := range info.SupportedCurves {
		h.Curves = append(h.Curves, uint16(c))
	}
	h.Points = append(h.Points, info.SupportedPoints...)
	for _, s := range info.SignatureSchemes {
		h.Signatures = append(h.Signatures, uint16(s))
	}
	return h
}

// Info returns the hello as crypto/tls reports it, for functions that compute fingerprints.
func (h *Hello) Info() *tls.ClientHelloInfo {
	info := &tls.ClientHelloInfo{
		ServerName: h.ServerName, SupportedVersions: h.Versions, CipherSuites: h.Ciphers,
		Extensions: h.Extensions, SupportedPoints: h.Points, SupportedProtos: h.Protocols,
	}
	for _, c := range h.Curves {
		info.SupportedCurves = append(info.SupportedCurves, tls.CurveID(c))
	}
	for _, s := range h.Signatures {
		info.SignatureSchemes = append(info.SignatureSchemes, tls.SignatureScheme(s))
	}
	return info
}
