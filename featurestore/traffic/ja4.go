package traffic

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"slices"
)

// Extensions that JA4, or TLSPrint, treats on their own.
const (
	extensionServerName = 0x0000
	extensionALPN       = 0x0010
	extensionPadding    = 0x0015
	extensionTicket     = 0x0023
	extensionPreShared  = 0x0029
	extensionEarlyData  = 0x002a
	extensionCookie     = 0x002c
	// quic_transport_parameters: every QUIC client sends it and no other may (RFC 9001, 8.2)
	extensionQUIC = 0x0039
)

// ja4Values is how many ciphers, extensions or signature algorithms are sorted without another
// allocation. Real clients send a few dozen of each.
const ja4Values = 128

// JA4 returns the JA4 fingerprint of a TLS client, 36 bytes such as
// t13d1516h2_8daaf6152771_e5627efa2ab1, by FoxIO's technical description
// (https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md; JA4 itself is under the BSD
// 3-Clause licence, the rest of JA4+ is not, and is not here). Call it from
// [tls.Config.GetConfigForClient]. For a usual client it allocates only the string; it keeps
// nothing of hello.
//
// What crypto/tls reports, and what it does not:
//
//   - ciphers, extensions, signature algorithms and application protocols come as sent and in the
//     order sent, with GREASE values (RFC 8701), which are left out here;
//   - where the extension supported_versions is missing, SupportedVersions is extrapolated from the
//     hello's own version: its highest is that version for TLS 1.0 to 1.2. SSL 3.0 and older leave
//     it empty, which makes "00" where the description has "s3"; crypto/tls does not speak them in
//     any case;
//   - a hello that crypto/tls finds malformed (an extension twice, an empty application protocol)
//     ends the handshake before the callback, so that it has no fingerprint;
//   - where the server accepts Encrypted Client Hello, the fingerprint is of the inner hello;
//   - DTLS is not supported.
func JA4(hello *tls.ClientHelloInfo) string {
	var ciphers, extensions, signatures [ja4Values]uint16
	c := withoutGREASE(ciphers[:0], hello.CipherSuites)
	e := withoutGREASE(extensions[:0], hello.Extensions)
	s := signatures[:0]
	for _, v := range hello.SignatureSchemes {
		if !isGREASE(uint16(v)) {
			s = append(s, uint16(v))
		}
	}
	out := make([]byte, 0, 36)
	out = append(out, transport(e))
	out = append(out, tlsVersion(hello.SupportedVersions)...)
	out = append(out, serverName(e))
	out = appendCount(out, len(c))
	out = appendCount(out, len(e))
	out = appendALPN(out, hello.SupportedProtos)
	out = append(out, '_')
	slices.Sort(c)
	out = appendHash(out, c, nil)
	out = append(out, '_')
	e = slices.DeleteFunc(e, func(v uint16) bool {
		return v == extensionServerName ||
			v == extensionALPN
	})
	slices.Sort(e)
	return string(appendHash(out, e, s))
}

// TLSPrint returns a hash of what stays the same in the hellos of a TLS client: ciphers and
// extensions without regard to their order, signature algorithms, groups and application protocols
// in their order. Unlike JA4 it is the same when a session is resumed, and for servers with and
// without a name. Nobody else publishes this fingerprint.
func TLSPrint(hello *tls.ClientHelloInfo) uint32 {
	var ciphers, extensions [ja4Values]uint16
	c := withoutGREASE(ciphers[:0], hello.CipherSuites)
	e := slices.DeleteFunc(withoutGREASE(extensions[:0], hello.Extensions), changesByConnection)
	slices.Sort(c)
	slices.Sort(e)
	p := addList(addList(fnvBegin, c), e)
	for _, v := range hello.SignatureSchemes {
		p = p.add(uint16(v))
	}
	for _, v := range hello.SupportedCurves {
		p = p.add(uint16(v))
	}
	for _, protocol := range hello.SupportedProtos {
		for i := range len(protocol) {
			p = p.add(uint16(protocol[i]))
		}
		p = p.add(0)
	}
	return max(1, uint32(p^p>>32))
}

// changesByConnection reports whether a client sends an extension with some of its hellos only.
func changesByConnection(extension uint16) bool {
	switch extension {
	case extensionServerName, extensionPadding, extensionTicket, extensionPreShared,
		extensionEarlyData, extensionCookie:
		return true
	}
	return false
}

// fnv is an FNV-1a hash of words. GREASE values do not count.
type fnv uint64

const fnvBegin fnv = 0xcbf29ce484222325

func (h fnv) add(v uint16) fnv {
	if isGREASE(v) {
		return h
	}
	return (h ^ fnv(v)) * 0x100000001b3
}

// addList adds a list and its end.
func addList(h fnv, values []uint16) fnv {
	for _, v := range values {
		h = h.add(v)
	}
	return (h ^ 0xffff) * 0x100000001b3
}

func withoutGREASE(dst, values []uint16) []uint16 {
	for _, v := range values {
		if !isGREASE(v) {
			dst = append(dst, v)
		}
	}
	return dst
}

// isGREASE reports the values 0x0a0a, 0x1a1a ... 0xfafa, which clients send so that servers keep
// ignoring what they do not know (RFC 8701).
func isGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

func transport(extensions []uint16) byte {
	if slices.Contains(extensions, extensionQUIC) {
		return 'q'
	}
	return 't'
}

func serverName(extensions []uint16) byte {
	if slices.Contains(extensions, extensionServerName) {
		return 'd'
	}
	return 'i'
}

func tlsVersion(supported []uint16) string {
	var highest uint16
	for _, v := range supported {
		if !isGREASE(v) {
			highest = max(highest, v)
		}
	}
	switch highest {
	case tls.VersionTLS13:
		return "13"
	case tls.VersionTLS12:
		return "12"
	case tls.VersionTLS11:
		return "11"
	case tls.VersionTLS10:
		return "10"
	case 0x0300:
		return "s3"
	}
	return "00"
}

func appendCount(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendALPN adds the first and last byte of the first application protocol, or, if one of them is
// not a letter or digit, the first and last figure of its bytes in hexadecimal.
func appendALPN(dst []byte, protocols []string) []byte {
	if len(protocols) == 0 || protocols[0] == "" {
		return append(dst, "00"...)
	}
	first, last := protocols[0][0], protocols[0][len(protocols[0])-1]
	if !isAlphanumeric(first) || !isAlphanumeric(last) {
		first, last = hexDigits[first>>4], hexDigits[last&0xf]
	}
	return append(dst, first, last)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

const hexDigits = "0123456789abcdef"

// appendHash adds the first 12 figures of the SHA-256 of the values as text: four figures each,
// commas between them, and, where there are any, an underscore and the values of more. Without
// values it adds twelve zeros.
func appendHash(dst []byte, values, more []uint16) []byte {
	if len(values) == 0 {
		return append(dst, "000000000000"...)
	}
	var space [5 * 2 * ja4Values]byte
	text := appendValues(space[:0], values)
	if len(more) > 0 {
		text = appendValues(append(text, '_'), more)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(dst, sum[:6])
}

func appendValues(dst []byte, values []uint16) []byte {
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, hexDigits[v>>12], hexDigits[v>>8&0xf], hexDigits[v>>4&0xf],
			hexDigits[v&0xf])
	}
	return dst
}
