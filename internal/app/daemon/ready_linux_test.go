package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/daemon"
)

// troubleKinds are the labels of headgate_trouble.
var troubleKinds = []string{"stale", "directory", "publication", "rings", "limits", "policy", "checkpoint"}

// troubleGauges reads headgate_trouble by kind.
func troubleGauges(t *testing.T, d *daemon.Daemon) map[string]string {
	t.Helper()
	_, body := get(d, "/metrics")
	gauges := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^headgate_trouble\{kind="(\w+)"\} (\d)$`).FindAllStringSubmatch(body, -1) {
		gauges[m[1]] = m[2]
	}
	return gauges
}

// verbose is what /readyz?verbose answers.
type verbose struct {
	Status   string
	Age      *float64 `json:"publication_age_seconds"`
	Troubles []struct {
		Kind    string
		Unready bool
		Since   time.Time
		Seconds float64
		Text    string
	}
}

func readyVerbose(t *testing.T, d *daemon.Daemon) (status int, v verbose) {
	t.Helper()
	status, body := get(d, "/readyz?verbose")
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return status, v
}

// Trouble that leaves proxies served is shown while publications are fresh: in /readyz with 200, in
// the gauge of its kind, and in the log when it begins and when it ends.
func TestTroubleIsShownWhilePublicationsAreFresh(t *testing.T) {
	for name, c := range map[string]struct {
		kind, want  string
		begin, over func(r *running, policy string) error
	}{
		"refused policy": {"policy", "unknown field",
			func(_ *running, policy string) error { return os.WriteFile(policy, []byte(`{"thresholds": 3}`), 0o600) },
			func(_ *running, policy string) error { return os.WriteFile(policy, []byte(`{"threshold": 3}`), 0o600) }},
		"removed policy file": {"policy", "no such file",
			func(_ *running, policy string) error { return os.Remove(policy) },
			func(_ *running, policy string) error { return os.WriteFile(policy, []byte(`{}`), 0o600) }},
		"failing checkpoints": {"checkpoint", "rename",
			func(r *running, _ string) error {
				os.Remove(r.dir.Checkpoint())
				return os.MkdirAll(filepath.Join(r.dir.Checkpoint(), "full"), 0o700)
			},
			func(r *running, _ string) error { return os.RemoveAll(r.dir.Checkpoint()) }},
	} {
		t.Run(name, func(t *testing.T) {
			policy := filepath.Join(t.TempDir(), "limits.json")
			write(t, policy, "{}")
			r := start(t, daemon.Config{Policy: policy, Interval: unhurried, Checkpoint: unhurried})
			r.until("ready without trouble", func() bool { status, body := get(r.Daemon, "/readyz"); return status == 200 && body == "ok\n" })
			for try := 0; ; try++ { // a checkpoint may be written at the same time
				err := c.begin(r, policy)
				if err == nil {
					break
				}
				if try > 100 {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
			r.until("200 and degraded", func() bool {
				status, body := get(r.Daemon, "/readyz")
				return status == http.StatusOK && strings.HasPrefix(body, "degraded: ") && strings.Contains(body, c.want)
			})
			r.until("the gauge of its kind alone", func() bool {
				gauges := troubleGauges(t, r.Daemon)
				for _, kind := range troubleKinds {
					if want := fmt.Sprint(strings.Count(kind, c.kind)); gauges[kind] != want {
						return false
					}
				}
				return true
			})
			r.until("the same in JSON", func() bool { // on a slow machine publications are late now and then
				status, v := readyVerbose(t, r.Daemon)
				return status == 200 && v.Status == "degraded" && v.Age != nil && len(v.Troubles) == 1 && v.Troubles[0].Kind == c.kind &&
					!v.Troubles[0].Unready && v.Troubles[0].Seconds >= 0 && time.Since(v.Troubles[0].Since) < time.Hour && strings.Contains(v.Troubles[0].Text, c.want)
			})
			if err := c.over(r, policy); err != nil {
				t.Fatal(err)
			}
			r.until("ok", func() bool { _, body := get(r.Daemon, "/readyz"); return body == "ok\n" })
			for _, message := range []string{"trouble .*kind=" + c.kind + " error=", "no more trouble .*kind=" + c.kind + " after="} {
				if n := len(regexp.MustCompile(`msg="headgate: `+message).FindAllString(r.log.String(), -1)); n != 1 {
					t.Errorf("%q was logged %d times:\n%s", message, n, r.log)
				}
			}
		})
	}
}

// A daemon that has published nothing is not ready, and every kind of trouble has its series from
// the start.
func TestReadinessBeforeTheFirstPublication(t *testing.T) {
	d, err := daemon.Open(daemon.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer runOnce(t, d)
	status, v := readyVerbose(t, d)
	if status != http.StatusServiceUnavailable || v.Status != "unready" || v.Age != nil || len(v.Troubles) != 0 {
		t.Errorf("status %d, %+v", status, v)
	}
	gauges := troubleGauges(t, d)
	for _, kind := range troubleKinds {
		if gauges[kind] != "0" {
			t.Errorf("headgate_trouble of kind %s is %q, want 0", kind, gauges[kind])
		}
	}
	if len(gauges) != len(troubleKinds) {
		t.Errorf("%v, want the kinds %v", gauges, troubleKinds)
	}
}
