package accesslog_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/headgate/headgate/accesslog"
)

// Each line is an entry or a *LineError, after which reading goes on.
func ExampleReader() {
	r, err := accesslog.NewReader(strings.NewReader(
		`192.0.2.1 - ann [02/Mar/2026:10:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 17 "-" "x/1"` + "\n" +
			"what is this\n" +
			`2001:db8::7 - - [02/Mar/2026:10:00:01 +0000] "HEAD / HTTP/2.0" 304 -` + "\n"))
	if err != nil {
		log.Fatal(err)
	}
	var e accesslog.Entry
	for {
		err := r.Next(&e)
		var malformed *accesslog.LineError
		switch {
		case err == io.EOF:
			return
		case errors.As(err, &malformed):
			fmt.Println(malformed.Line, "skipped")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Printf("%d %v %s %s %d\n", e.Line, e.Addr, e.Method, e.Target, e.Status)
		}
	}
	// Output:
	// 1 192.0.2.1 GET /a?b=c 200
	// 2 skipped
	// 3 2001:db8::7 HEAD / 304
}
