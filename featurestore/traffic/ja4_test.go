package traffic_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// published are fingerprints that FoxIO publishes for recorded clients, with what it calls their
// raw and unsorted form: ciphers, extensions and signature algorithms in the order sent, without
// GREASE. All but the first are from github.com/FoxIO-LLC/ja4, python/test/testdata.
var published = []struct{ source, ja4, raw string }{
	{"technical_details/JA4.md", "t13d1516h2_8daaf6152771_e5627efa2ab1", "t13d1516h2_1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035" +
		"_001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015_0403,0804,0401,0503,0805,0501,0806,0601"},
	{"tls-handshake", "t13d1516h1_8daaf6152771_e5627efa2ab1", "t13d1516h1_1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035" +
		"_000d,0033,0000,ff01,002b,0023,002d,0005,0012,000b,0017,4469,0010,001b,000a,0015_0403,0804,0401,0503,0805,0501,0806,0601"},
	{"tls-handshake", "t13d151400_8daaf6152771_de4a06bb82e3", "t13d151400_1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035" +
		"_0033,002b,001b,0000,0012,002d,000d,000a,0005,0023,0017,ff01,000b,0015_0403,0804,0401,0503,0805,0501,0806,0601"},
	{"tls-handshake", "t13d1517h1_8daaf6152771_6cdcb247c39b", "t13d1517h1_1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035" +
		"_0000,0017,0005,002b,0012,0023,000a,0033,0010,002d,001b,4469,000b,000d,ff01,0015,0029_0403,0804,0401,0503,0805,0501,0806,0601"},
	{"tls12", "t13d1715h2_5b57614c22b0_3d5424432f57", "t13d1715h2_1301,1303,1302,c02b,c02f,cca9,cca8,c02c,c030,c00a,c009,c013,c014,009c,009d,002f,0035" +
		"_0000,0017,ff01,000a,000b,0023,0010,0005,0022,0033,002b,000d,002d,001c,0015_0403,0503,0603,0804,0805,0806,0401,0501,0601,0203,0201"},
	{"macos_tcp_flags", "t13d2613h2_2802a3db6c62_845d286b0d67", "t13d2613h2_1301,1302,1303,c02c,c02b,c024,c023,c00a,c009,cca9,c030,c02f,c028,c027,c014,c013,cca8," +
		"009d,009c,003d,003c,0035,002f,c008,c012,000a_ff01,0000,0017,000d,0005,0012,0010,000b,0033,002d,002b,000a,0015" +
		"_0403,0804,0401,0503,0203,0805,0805,0501,0806,0601,0201"},
	{"badcurveball", "t13d1615h2_46e7e9700bed_45f260be83e2", "t13d1615h2_1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035,000a" +
		"_0000,0017,ff01,000a,000b,0023,0010,0005,000d,0012,0033,002d,002b,001b,0015_0403,0804,0401,0503,0805,0501,0806,0601,0201"},
	{"ipv6", "t12d4605h2_85626a9a5f7f_aaf95bb78ec9", "t12d4605h2_c030,c02c,c028,c024,c014,c00a,009f,006b,0039,cca9,cca8,ccaa,ff85,00c4,0088,0081,009d,003d,0035," +
		"00c0,0084,c02f,c02b,c027,c023,c013,c009,009e,0067,0033,00be,0045,009c,003c,002f,00ba,0041,c011,c007,0005,0004,c012,c008,0016,000a,00ff" +
		"_0000,000b,000a,000d,0010_0601,0603,efef,0501,0503,0401,0403,eeee,eded,0301,0303,0201,0203"},
	{"latest", "t12d190800_d83cc789557e_7af1ed941c26", "t12d190800_c02c,c02b,c030,c02f,c024,c023,c028,c027,c00a,c009,c014,c013,009d,009c,003d,003c,0035,002f,000a" +
		"_0000,0005,000a,000b,000d,0023,0017,ff01_0804,0805,0806,0401,0501,0201,0403,0503,0203,0202,0601,0603"},
	{"https3-301-get", "t10d230100_6a57a6f57151_000000000000", "t10d230100_0039,0038,0035,0016,0013,000a,0033,0032,002f,009a,0099,0096,0005,0004,0015,0012,0009,0014," +
		"0011,0008,0006,0003,00ff_0000"},
}

// Each published fingerprint comes out of a ClientHello made of its parts, with GREASE among them,
// that a server of crypto/tls has received.
func TestPublishedJA4(t *testing.T) {
	for _, p := range published {
		if got := fingerprint(t, parseRaw(t, p.raw).record()); got != p.ja4 {
			t.Errorf("%s: %s, published is %s", p.source, got, p.ja4)
		}
	}
}

// hello is what a ClientHello is made of.
type hello struct {
	version                         uint16 // of the hello itself
	versions                        []uint16
	ciphers, extensions, signatures []uint16
	alpn                            []string
}

// parseRaw reads FoxIO's raw form and adds GREASE to all lists.
func parseRaw(t *testing.T, raw string) hello {
	t.Helper()
	parts := strings.Split(raw, "_")
	if len(parts) < 3 || len(parts) > 4 {
		t.Fatalf("%q has %d parts", raw, len(parts))
	}
	h := hello{version: map[string]uint16{"13": 0x0303, "12": 0x0303, "10": 0x0301}[raw[1:3]], versions: []uint16{0x7a7a, 0x0304, 0x0303}}
	h.ciphers = append([]uint16{0x0a0a}, values(t, parts[1])...)
	h.extensions = append([]uint16{0x1a1a}, values(t, parts[2])...)
	if last := len(h.extensions) - 1; h.extensions[last] == 0x0029 { // must stay the last
		h.extensions = append(h.extensions[:last], 0xfafa, 0x0029)
	} else {
		h.extensions = append(h.extensions, 0xfafa)
	}
	if len(parts) == 4 {
		h.signatures = append([]uint16{0x3a3a}, values(t, parts[3])...)
	}
	h.alpn = map[string][]string{"h2": {"h2", "http/1.1"}, "h1": {"http/1.1"}}[raw[8:10]]
	return h
}

func values(t *testing.T, list string) (values []uint16) {
	t.Helper()
	for _, s := range strings.Split(list, ",") {
		v, err := strconv.ParseUint(s, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, uint16(v))
	}
	return values
}

// record is the ClientHello as a client sends it (RFC 8446, 4.1.2), in one TLS record.
func (h hello) record() []byte {
	b := binary.BigEndian.AppendUint16(nil, h.version)
	b = append(b, make([]byte, 32)...) // random
	b = append(b, 0)                   // session
	b = append(b, sized(2, list(h.ciphers))...)
	b = append(b, 1, 0) // no compression
	if len(h.extensions) > 0 {
		var extensions []byte
		for _, e := range h.extensions {
			extensions = binary.BigEndian.AppendUint16(extensions, e)
			extensions = append(extensions, sized(2, h.extension(e))...)
		}
		b = append(b, sized(2, extensions)...)
	}
	message := append([]byte{1}, sized(3, b)...)
	return append([]byte{22, 3, 1}, sized(2, message)...)
}

// extension returns a body that crypto/tls takes.
func (h hello) extension(id uint16) []byte {
	switch id {
	case 0x0000: // server_name
		return sized(2, append([]byte{0}, sized(2, []byte("example.net"))...))
	case 0x0005: // status_request
		return []byte{1, 0, 0, 0, 0}
	case 0x000a: // supported_groups
		return sized(2, list([]uint16{0x4a4a, 0x001d}))
	case 0x000b: // ec_point_formats
		return []byte{1, 0}
	case 0x000d: // signature_algorithms
		return sized(2, list(h.signatures))
	case 0x0010: // application_layer_protocol_negotiation
		var protocols []byte
		for _, p := range h.alpn {
			protocols = append(protocols, sized(1, []byte(p))...)
		}
		return sized(2, protocols)
	case 0x0029: // pre_shared_key: one identity with its age, one binder
		return append(sized(2, append(sized(2, []byte("id")), 0, 0, 0, 0)), sized(2, sized(1, make([]byte, 32)))...)
	case 0x002b: // supported_versions
		return sized(1, list(h.versions))
	case 0x002d: // psk_key_exchange_modes
		return []byte{1, 1}
	case 0x0033: // key_share
		return sized(2, append([]byte{0, 0x1d}, sized(2, make([]byte, 32))...))
	case 0xff01: // renegotiation_info
		return []byte{0}
	}
	return nil
}

func list(values []uint16) (b []byte) {
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

// sized puts the length of b, in so many bytes, before it.
func sized(bytes int, b []byte) []byte {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(b)))
	return append(length[8-bytes:8:8], b...)
}

var errSeen = errors.New("that is all")

// fingerprint returns the JA4 of a recorded ClientHello, as a server of crypto/tls sees it; empty
// where it does not ask.
func fingerprint(t testing.TB, record []byte) (ja4 string) {
	t.Helper()
	serve(t, record, func(hello *tls.ClientHelloInfo) { ja4 = traffic.JA4(hello) })
	return ja4
}

func serve(t testing.TB, record []byte, see func(*tls.ClientHelloInfo)) {
	t.Helper()
	client, server := net.Pipe()
	go func() { // the server answers with an alert, which nobody wants
		client.SetDeadline(time.Now().Add(10 * time.Second))
		client.Write(record)
		client.Close()
	}()
	config := &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		see(hello)
		return nil, errSeen
	}}
	if err := tls.Server(server, config).HandshakeContext(context.Background()); err == nil {
		t.Error("a handshake without a certificate succeeded")
	}
	server.Close()
}

// What the description says of each part.
func TestPartsOfJA4(t *testing.T) {
	const chrome = "t13d1516h2_1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035" +
		"_001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015_0403,0804,0401,0503,0805,0501,0806,0601"
	without := func(id uint16) func(*hello) {
		return func(h *hello) {
			var rest []uint16
			for _, e := range h.extensions {
				if e != id {
					rest = append(rest, e)
				}
			}
			h.extensions = rest
		}
	}
	for _, c := range []struct {
		what   string
		change func(*hello)
		want   string
	}{
		{"as it is", func(*hello) {}, "t13d1516h2_8daaf6152771_e5627efa2ab1"},
		{"no server name", without(0x0000), "t13i1515h2_8daaf6152771_e5627efa2ab1"},
		{"no ALPN", without(0x0010), "t13d151500_8daaf6152771_e5627efa2ab1"},
		{"TLS 1.2 in the hello itself", without(0x002b), "t12d1515h2_8daaf6152771_8d4582d59f63"},
		{"TLS 1.1 at most", func(h *hello) { h.versions = []uint16{0x8a8a, 0x0301, 0x0302} }, "t11d1516h2_8daaf6152771_e5627efa2ab1"},
		{"only a draft of TLS 1.3", func(h *hello) { h.versions = []uint16{0x7f1c} }, "t00d1516h2_8daaf6152771_e5627efa2ab1"},
		{"QUIC", func(h *hello) { h.extensions[1] = 0x0039 }, "q13d1516h2_8daaf6152771_b08511a6d2ea"},
		{"other order", func(h *hello) {
			h.ciphers[1], h.ciphers[5], h.extensions[1], h.extensions[4] = h.ciphers[5], h.ciphers[1], h.extensions[4], h.extensions[1]
		}, "t13d1516h2_8daaf6152771_e5627efa2ab1"},
		{"other order of signatures", func(h *hello) { h.signatures[1], h.signatures[2] = h.signatures[2], h.signatures[1] },
			"t13d1516h2_8daaf6152771_8b78003a6112"},
		{"no ciphers but GREASE", func(h *hello) { h.ciphers = h.ciphers[:1] }, "t13d0016h2_000000000000_e5627efa2ab1"},
	} {
		h := parseRaw(t, chrome)
		c.change(&h)
		if got := fingerprint(t, h.record()); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// The examples of the technical description.
func TestALPNOfJA4(t *testing.T) {
	for protocol, want := range map[string]string{"h2": "h2", "http/1.1": "h1", "h": "hh", "": "00", "\xab": "ab", " ": "20", "\xab\xcd": "ad",
		" a": "21", "0\xab": "3b", "a ": "60", "01\xab\xcd": "3d", "0\xab\xcd1": "01"} {
		if got := traffic.JA4(&tls.ClientHelloInfo{SupportedProtos: []string{protocol, "h2"}}); got != "t00i0000"+want+"_000000000000_000000000000" {
			t.Errorf("%q: %s, want %s", protocol, got, want)
		}
	}
}

// Without signature algorithms the hashed text ends without an underscore.
func TestJA4WithoutSignatures(t *testing.T) {
	hello := &tls.ClientHelloInfo{Extensions: values(t, "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01")}
	if got, want := traffic.JA4(hello), "t00i001400_000000000000_6d807ffa2a79"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Lists of any length are counted to 99 and hashed whole.
func TestJA4OfLongLists(t *testing.T) {
	seen := make(map[string]bool)
	for _, n := range []int{98, 99, 100, 1000, 10_000} {
		var h tls.ClientHelloInfo
		for i := range n {
			h.CipherSuites = append(h.CipherSuites, uint16(i<<4))
			h.Extensions = append(h.Extensions, uint16(i<<4|1))
			h.SignatureSchemes = append(h.SignatureSchemes, tls.SignatureScheme(i<<4))
		}
		got := traffic.JA4(&h)
		if want := strconv.Itoa(min(n, 99)); got[4:6] != want || got[6:8] != want || len(got) != 36 || seen[got[10:]] {
			t.Errorf("%d values: %s", n, got)
		}
		seen[got[10:]] = true
	}
}

// The string is all that is allocated, and hello stays as it is.
func TestJA4Allocations(t *testing.T) {
	h := parseRaw(t, published[0].raw)
	info := &tls.ClientHelloInfo{CipherSuites: h.ciphers, Extensions: h.extensions, SupportedProtos: h.alpn, SupportedVersions: h.versions}
	for _, s := range h.signatures {
		info.SignatureSchemes = append(info.SignatureSchemes, tls.SignatureScheme(s))
	}
	if n := testing.AllocsPerRun(100, func() { traffic.JA4(info) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
	if traffic.JA4(info) != published[0].ja4 || info.CipherSuites[0] != 0x0a0a || info.Extensions[1] != 0x001b {
		t.Error("the hello was changed")
	}
}

// FuzzJA4 sends any bytes to a server as a ClientHello. Where it takes them, the fingerprint has
// its form.
func FuzzJA4(f *testing.F) {
	for _, h := range []hello{
		{version: 0x0303, versions: []uint16{0x0304}, ciphers: []uint16{0x1301}, extensions: []uint16{0x000d, 0x002b, 0x0010, 0x0000},
			signatures: []uint16{0x0403}, alpn: []string{"h2"}},
		{version: 0x0300, ciphers: []uint16{0x000a}},
	} {
		f.Add(h.record()[5:])
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) > 1<<14 {
			return
		}
		got := fingerprint(t, append([]byte{22, 3, 1}, sized(2, message)...))
		if got == "" {
			return
		}
		parts := strings.Split(got, "_")
		if len(got) != 36 || len(got) > traffic.MaxJA4 || len(parts) != 3 || len(parts[0]) != 10 || len(parts[1]) != 12 {
			t.Errorf("%q", got)
		}
	})
}

func BenchmarkJA4(b *testing.B) {
	info := &tls.ClientHelloInfo{SupportedProtos: []string{"h2"}, SupportedVersions: []uint16{0x0304, 0x0303}}
	for i := range 16 {
		info.CipherSuites = append(info.CipherSuites, uint16(0xc000+7*i%16))
		info.Extensions = append(info.Extensions, uint16(5*i%16))
		info.SignatureSchemes = append(info.SignatureSchemes, tls.SignatureScheme(0x0401+i))
	}
	b.ReportAllocs()
	for b.Loop() {
		traffic.JA4(info)
	}
}
