package main

import "path/filepath"

// python are HTTP libraries of Python, each in an environment of its own: some take the place of
// others.
func python() *family {
	f := &family{name: "python", number: 2, apt: []string{"python3", "python3-venv"}, install: "python/install.sh"}
	f.clients = ordered([]string{"py-requests", "py-urllib", "py-urllib3", "py-httpx", "py-httpx-http2", "py-aiohttp", "py-pycurl", "py-niquests",
		"py-treq", "py-mechanicalsoup", "py-cloudscraper", "py-tornado", "py-httplib2", "py-scrapy"}, pythonCalls)
	return f
}

// pythonCalls runs a plan by a library of the script.
func pythonCalls(program string) func(*visit) []command {
	return func(v *visit) []command {
		return once(filepath.Join(v.work, program, "bin", "python"), filepath.Join(v.work, "run.py"), program, v.planFile())
	}
}
