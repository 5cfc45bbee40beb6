package main

import "path/filepath"

// node are HTTP libraries of Node.js, the last of which pretend to be browsers.
func node() *family {
	f := &family{name: "node", number: 3, apt: []string{"nodejs", "npm"}, install: "node/install.sh"}
	f.clients = ordered([]string{"node-fetch-builtin", "node-https", "node-http2", "undici", "axios", "got", "node-fetch", "superagent", "needle", "ky", "phin",
		"jsdom", "simplecrawler", "got-scraping", "impit", "impit-firefox", "cycletls"}, nodeCalls)
	return f
}

// nodeCalls runs a plan by a library of the script.
func nodeCalls(program string) func(*visit) []command {
	return func(v *visit) []command { return once("node", filepath.Join(v.work, "run.mjs"), program, v.planFile()) }
}
