package main

import (
	"fmt"
	"strings"
)

// commandLine are downloaders of the command line, called once for each request.
func commandLine() *family {
	f := &family{name: "commandline", number: 1, apt: []string{"curl", "wget", "wget2", "httpie", "aria2", "axel", "libwww-perl"}}
	calls := map[string]func(*step) []string{
		"curl":       func(s *step) []string { return append(curl(s), "--http2") },
		"curl-http1": func(s *step) []string { return append(curl(s), "--http1.1") },
		"wget":       func(s *step) []string { return wget("wget", s) },
		"wget2":      func(s *step) []string { return wget("wget2", s) },
		"httpie":     httpie,
		"aria2": func(s *step) []string {
			return append([]string{"aria2c", "--allow-overwrite=true", "-o", "out", "--async-dns=false", "--connect-timeout=5", "--max-tries=1"}, append(headerFlags(s, "--header=", ": "), s.URL)...)
		},
		"axel": func(s *step) []string {
			fields := headerPairs(s, "-H", ": ")
			fields = fields[:min(len(fields), 2*8)] // it takes no more
			return append([]string{"axel", "-q", "-n", "2", "-o", fmt.Sprintf("out-%d", hash(s.URL)), s.URL}, fields...)
		},
		"lwp-request": func(s *step) []string {
			return append([]string{"lwp-request", "-m", s.Method, "-d"}, append(headerPairs(s, "-H", ": "), s.URL)...)
		},
	}
	packages := map[string]string{"curl-http1": "curl", "lwp-request": "libwww-perl"}
	programs := []string{"curl", "curl-http1", "wget", "wget2", "httpie", "aria2", "axel", "lwp-request"}
	f.clients = ordered(programs, func(program string) func(*visit) []command {
		return func(v *visit) []command { return v.eachStep(calls[program]) }
	})
	for i := range f.clients {
		c := &f.clients[i]
		c.version = c.program
		if p, ok := packages[c.program]; ok {
			c.version = p
		}
		if c.program == "aria2" || c.program == "axel" || c.program == "lwp-request" { // they send no bodies
			c.variants = withoutIntent(c.variants, stuffing)
		}
	}
	return f
}

func withoutIntent(variants []variant, intent string) []variant {
	var kept []variant
	for _, v := range variants {
		if v.intent != intent {
			kept = append(kept, v)
		}
	}
	return kept
}

func curl(s *step) []string {
	argv := []string{"curl", "-sS", "-o", "/dev/null", "--max-time", "15", "-X", s.Method}
	if s.Body != "" {
		argv = append(argv, "--data-raw", s.Body)
	}
	return append(argv, append(headerPairs(s, "-H", ": "), s.URL)...)
}

func wget(program string, s *step) []string {
	argv := []string{program, "-q", "-O", "/dev/null", "--tries=1", "--timeout=15"}
	if s.Body != "" {
		argv = append(argv, "--post-data="+s.Body)
	}
	return append(argv, append(headerFlags(s, "--header=", ": "), s.URL)...)
}

func httpie(s *step) []string {
	argv := []string{"http", "--ignore-stdin", "--timeout=15", "-q", s.Method, s.URL}
	if s.Body != "" {
		argv = append(argv, "--raw="+s.Body)
	}
	return append(argv, headerFlags(s, "", ":")...)
}

// headerPairs returns the step's header fields as two arguments each.
func headerPairs(s *step, flag, between string) []string {
	var argv []string
	for _, f := range s.Header {
		argv = append(argv, flag, f[0]+between+f[1])
	}
	return argv
}

// headerFlags returns the step's header fields as one argument each.
func headerFlags(s *step, prefix, between string) []string {
	var argv []string
	for _, f := range s.Header {
		argv = append(argv, prefix+f[0]+between+strings.TrimSpace(f[1]))
	}
	return argv
}
