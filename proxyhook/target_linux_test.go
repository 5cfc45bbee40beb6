package proxyhook_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// oddTargets are sent as they are. What the server refuses itself no proxy sees; a log has it all
// the same.
var oddTargets = []string{
	"/", "/a/b?c=d", "/a|b", "/café", "/a#b", "/a%2Fb", "/a%20b?x=%20", "/a\"b", `/a\b`, "/%", "/a;b,c", "/[x]{y}^`", "//a//b", "/a?b?c", "/a?", "/../../etc/passwd",
	"http://a.test/b?c", "http://a.test", "https://a.test:8443/x%7Cy", "/\x80\xff", "/ü?ä=ö", "/<script>", "/'--", "/~user/.git/HEAD", "/${jndi:ldap://x/y}",
}

// The path that a proxy reports is, byte for byte, the one in a log of the same request line.
func TestTargetsAreThoseOfTheLog(t *testing.T) {
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	server := httptest.NewServer(f.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer server.Close()
	compared := 0
	for _, target := range oddTargets {
		if sendRaw(t, server.Listener.Addr().String(), "GET "+target+" HTTP/1.1") != http.StatusOK {
			continue
		}
		var live []traffic.Event
		await(t, "the event", func() bool { live = append(live, h.events()...); return len(live) > 0 })
		logged := fromLog(t, "GET "+target+" HTTP/1.1")
		if live[0].Path != logged.Path || live[0].Query != logged.Query || live[0].Method != logged.Method {
			t.Errorf("%q: live %q and a query of %d bytes, from the log %q and %d", target, live[0].Path, live[0].Query, logged.Path, logged.Query)
		}
		compared++
	}
	if compared < len(oddTargets)-6 {
		t.Errorf("%d of %d targets came through", compared, len(oddTargets))
	}
}

// sendRaw sends a request line and returns the status of the answer.
func sendRaw(t *testing.T, address, line string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, line+"\r\nHost: a.test\r\nConnection: close\r\n\r\n")
	must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	response.Body.Close()
	return response.StatusCode
}

// fromLog is the event of a line that nginx would write.
func fromLog(t *testing.T, request string) (ev traffic.Event) {
	t.Helper()
	var escaped strings.Builder
	for i := range len(request) {
		if c := request[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			fmt.Fprintf(&escaped, `\x%02X`, c)
		} else {
			escaped.WriteByte(c)
		}
	}
	r, err := accesslog.NewReader(strings.NewReader(`192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] "` + escaped.String() + `" 200 0 "-" "-"` + "\n"))
	must(t, err)
	var e accesslog.Entry
	must(t, r.Next(&e))
	pipeline.FromEntry(&ev, &e)
	return ev
}
