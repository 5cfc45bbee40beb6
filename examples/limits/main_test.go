package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Two requests of a client are served at a time, a third one is refused, another client's is not,
// and there is room again when one has ended.
func TestLimited(t *testing.T) {
	begun, end := make(chan bool), make(chan bool)
	handler, err := limited(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		begun <- true
		<-end
	}))
	if err != nil {
		t.Fatal(err)
	}
	statuses := make(chan int)
	serve := func(client string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = client + ":1024"
		handler.ServeHTTP(w, r)
		statuses <- w.Code
	}
	for _, client := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"} {
		go serve(client)
		<-begun
	}
	go serve("192.0.2.1")
	if status := <-statuses; status != http.StatusTooManyRequests {
		t.Errorf("a third request at a time: status %d, want 429", status)
	}
	for range 3 {
		end <- true
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("status %d, want 200", status)
		}
	}
	go serve("192.0.2.1")
	<-begun
	end <- true
	if status := <-statuses; status != http.StatusOK {
		t.Errorf("after the others have ended: status %d, want 200", status)
	}
}
