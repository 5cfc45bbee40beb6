// Limits is a web server that serves at most two requests of each client at a time, and answers
// others with 429 and Retry-After. The memory for that is fixed, however many clients come.
//
//	limits &
//	curl http://127.0.0.1:8080/
package main

import (
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/headgate/headgate/limits"
)

func main() {
	handler, err := limited(http.HandlerFunc(work))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func work(w http.ResponseWriter, r *http.Request) {
	time.Sleep(100 * time.Millisecond)
	w.Write([]byte("done\n"))
}

// limited returns next behind a limiter.
func limited(next http.Handler) (http.Handler, error) {
	limiter, err := limits.NewLimiter(limits.LimiterConfig{Threshold: 2, RetryAfter: time.Second})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			client = r.RemoteAddr
		}
		var state limits.TicketState
		admission, ok := limiter.AdmitString(&state, client)
		if !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(admission.RetryAfter.Seconds())))
			http.Error(w, "too many requests at a time", http.StatusTooManyRequests)
			return
		}
		defer admission.Ticket.Done() // also where next panics
		next.ServeHTTP(w, r)
	}), nil
}
