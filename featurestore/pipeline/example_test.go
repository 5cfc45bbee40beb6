package pipeline_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/scorer"
)

// An access log becomes a row for each request, and a summary.
func ExampleReplay() {
	model, err := scorer.Load(models.Default())
	if err != nil {
		log.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Config{Model: model, Features: []string{"request/query_length", "ip/requests_1m"}})
	if err != nil {
		log.Fatal(err)
	}
	source, err := pipeline.FromLog(strings.NewReader(
		`192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] "GET /?q=tea HTTP/1.1" 200 17 "-" "curl/8.5.0"` + "\n" +
			`192.0.2.1 - - [02/Mar/2026:10:00:03 +0000] "GET /.env HTTP/1.1" 404 9 "-" "curl/8.5.0"` + "\n"))
	if err != nil {
		log.Fatal(err)
	}
	var rows strings.Builder
	replay := pipeline.Replay{Pipeline: p, Source: source, FlagBelow: 30, Out: &rows, Format: pipeline.CSV{}}
	summary, err := replay.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(summary.Rows, "requests,", summary.Flagged, "flagged:", summary.Findings)
	header, _, _ := strings.Cut(rows.String(), "\n")
	fmt.Println(header)
	// Output: 2 requests, 2 flagged: map[damning_path:1 declared_tool:1]
	// line,time,client,method,host,path,query_length,http_version,status,bytes,referer,user_agent,cut,truth,score,finding,request/query_length,ip/requests_1m
}
