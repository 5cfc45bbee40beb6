package main

import (
	"fmt"
	"os"
	"strings"
)

// A person's page, a tool, a probe, and a line that is not a request.
func Example_score() {
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
	lines := strings.Join([]string{
		`{"time":"2026-03-02T10:00:00Z","client":"192.0.2.1","method":"GET","path":"/","status":200,"agent":"` + browser + `"}`,
		`{"time":"2026-03-02T10:00:01Z","client":"192.0.2.2","method":"GET","path":"/","status":200,"agent":"curl/8.5.0"}`,
		`not JSON`,
		`{"time":"2026-03-02T10:00:02Z","client":"192.0.2.3","method":"GET","path":"/.env?x=1","status":404,"agent":"` + browser + `"}`,
	}, "\n")
	var rows strings.Builder
	summary, err := score(strings.NewReader(lines), &rows)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Printf("%d requests, %d flagged, %d line skipped\n", summary.Rows, summary.Flagged, summary.Malformed)
	for _, finding := range []string{"unknown_client", "declared_tool", "damning_path"} {
		fmt.Println(finding, summary.Findings[finding])
	}
	header, _, _ := strings.Cut(rows.String(), "\n")
	fmt.Println(header)
	// Output:
	// 3 requests, 2 flagged, 1 line skipped
	// unknown_client 1
	// declared_tool 1
	// damning_path 1
	// line,time,client,method,host,path,query_length,http_version,status,bytes,referer,user_agent,cut,truth,score,finding,ip/requests_1m,ip/distinct_paths_10m
}
