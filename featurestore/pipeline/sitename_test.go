package pipeline_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/pipeline"
)

// A log does not contain its site's host, but the assets of its pages name it, whatever other
// Referers come meanwhile.
func TestLinksOfALog(t *testing.T) {
	var log strings.Builder
	line := func(path, referer string) {
		fmt.Fprintf(&log, "192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] \"GET %s HTTP/1.1\" 200 17 %q \"a/1\"\n", path, referer)
	}
	for i := range 10 {
		line("/", "https://search.test/")
		for range 2 {
			line("/style.css", "https://site.test/")
		}
		line("/picture.png", fmt.Sprintf("https://hotlink%d.test/", i))
		line("/a", "https://SITE.test/?q=1")
	}
	source, err := pipeline.FromLog(strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for {
		var r pipeline.Record
		if err := source.Next(&r); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if same := strings.HasPrefix(strings.ToLower(r.Referer), "https://site.test/"); r.Event.Link != 0 && !same {
			t.Errorf("%s is taken for a link of the site", r.Referer)
		}
		if r.Event.Link != 0 && r.Event.Path == "/a" {
			links++
		}
	}
	if links < 7 {
		t.Errorf("%d links of 10 are known", links)
	}
}
