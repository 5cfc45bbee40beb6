package proxyhook_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// run runs a client with a request to s.
func (s *wired) run(t *testing.T, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

// wireFacts serves one request of a client, and returns what it looked like.
func wireFacts(t *testing.T, secure bool, version uint8, ask func(s *wired)) traffic.WireFacts {
	t.Helper()
	s := serveWire(t, proxyhook.Config{}, secure, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), func(*http.Server, *tls.Config) {})
	ask(s)
	ev := ended(t, s.host, s.filter, 1)[0]
	if ev.Version != version || ev.Wire.Print() == 0 || secure != (ev.JA4 != "") {
		t.Errorf("HTTP version %d, want %d; %+v", ev.Version, version, ev)
	}
	return ev.Wire.Facts()
}

// What curl sends.
func TestWireOfCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is missing: apt-get install curl")
	}
	for _, secure := range []bool{false, true} {
		got := wireFacts(t, secure, 11, func(s *wired) { s.run(t, curl, "-sSk", "--http1.1", s.url) })
		if want := (traffic.WireFacts{Seen: true, HostFirst: true, AgentAccept: traffic.OrderAsNamed}); got != want {
			t.Errorf("HTTP/1.1, secure %v: %+v, want %+v", secure, got, want)
		}
	}
	got := wireFacts(t, true, 20, func(s *wired) { s.run(t, curl, "-sSk", "--http2", s.url) })
	const set = traffic.SettingPush | traffic.SettingStreams | traffic.SettingWindow
	if got.AgentAccept != traffic.OrderAsNamed || got.Settings != set || got.Window == 0 || got.ConnectionWindow == 0 || got.Pseudo == 0 || got.Pseudo == traffic.OtherPseudoOrder {
		t.Errorf("HTTP/2: %+v", got)
	}
}

// What Python's libraries send, and one that does as Chromium does.
func TestWireOfPythonsLibraries(t *testing.T) {
	python := os.Getenv("HEADGATE_PYTHON")
	if python == "" {
		t.Skip("HEADGATE_PYTHON names no Python with requests, httpx[http2] and curl_cffi: .ci/run makes one")
	}
	ask := func(program string) func(s *wired) {
		return func(s *wired) { s.run(t, python, "-W", "ignore", "-c", program, s.url) }
	}
	got := wireFacts(t, true, 11, ask("import requests, sys; requests.get(sys.argv[1], verify=False).raise_for_status()"))
	if want := (traffic.WireFacts{Seen: true, HostFirst: true, AgentAccept: traffic.OrderAsNamed, Connection: traffic.ConnectionLast}); got != want {
		t.Errorf("requests: %+v, want %+v", got, want)
	}
	got = wireFacts(t, true, 20, ask("import httpx, sys; httpx.Client(http2=True, verify=False).get(sys.argv[1]).raise_for_status()"))
	if got.Pseudo != traffic.PseudoOrder("masp") || got.Settings&traffic.SettingStreams == 0 || got.AgentAccept != traffic.OrderReversed || got.HeadersPriority {
		t.Errorf("httpx: %+v", got)
	}
	got = wireFacts(t, true, 20, ask("import curl_cffi, sys; curl_cffi.get(sys.argv[1], verify=False, impersonate='chrome').raise_for_status()"))
	const chromium = traffic.SettingTable | traffic.SettingPush | traffic.SettingWindow | traffic.SettingHeaders
	if got.Pseudo != traffic.PseudoOrder("masp") || got.Settings != chromium || !got.HeadersPriority || got.HintsAgent != traffic.OrderAsNamed ||
		got.AgentAccept != traffic.OrderAsNamed || got.EncodingLanguage != traffic.OrderAsNamed {
		t.Errorf("curl_cffi: %+v", got)
	}
}
