package demo

import (
	"io"
	"net/http"
	"testing"
	"time"
)

// A healthy download may take as long as it needs: one of 1 MB/s is not cut after half a minute.
func TestLongDownloadsAreNotCut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 36 s; without -short it runs")
	}
	t.Parallel()
	const pieces, piece, every = 360, 100_000, 100 * time.Millisecond
	s := &site{}
	t.Cleanup(s.stop)
	addr, err := s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range pieces {
			time.Sleep(every)
			io.CopyN(w, filler{}, piece)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	response, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); n != pieces*piece || err != nil {
		t.Errorf("%d bytes in %v: %v", n, time.Since(start), err)
	}
}
