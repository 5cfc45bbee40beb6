package heuristics_test

import (
	"fmt"
	"log"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// A finding bounds the score that a model gave; each can be switched off by its name.
func ExampleRules_Request() {
	rules, err := heuristics.New([]string{"declared_tool"})
	if err != nil {
		log.Fatal(err)
	}
	ev := traffic.Event{Method: "GET", Host: "www.example.com", Version: 11, UserAgent: "curl/8.5.0"}
	for _, path := range []string{"/", "/.git/config"} {
		ev.SetPath(path)
		finding := rules.Request(&ev)
		fmt.Println(path, finding, finding.Bound(70))
	}
	// Output:
	// / none 70
	// /.git/config damning_path 3
}
