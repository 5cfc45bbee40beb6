package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/headgate/headgate/models/corpus"
)

// withFormer returns the recordings that have requests, after those of the old file of the same
// name whose runs were not collected again. head gets the earlier of the two beginnings, and all
// times count from there.
func withFormer(name string, head *corpus.Head, done []*recording) ([]*recording, error) {
	again := make(map[string]bool)
	var fresh []*recording
	for _, rec := range done {
		if rec != nil && len(rec.requests) > 0 {
			again[runName(&rec.run)] = true
			fresh = append(fresh, rec)
		}
	}
	in, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, fmt.Errorf("zoo: reading the old file: %w", err)
	}
	defer in.Close()
	former, err := corpus.Read(in)
	if err != nil {
		return nil, fmt.Errorf("zoo: reading %s: %w (remove the file)", name, err)
	}
	kept := findRecordings(former, func(r *corpus.Run) bool { return !again[runName(r)] })
	apart := head.Recorded.Sub(former.Head.Recorded).Microseconds()
	if apart > 0 {
		head.Recorded = former.Head.Recorded
		shift(fresh, apart)
	} else {
		shift(kept, -apart)
	}
	return append(kept, fresh...), nil
}

// runName tells a run from all others of its family.
func runName(r *corpus.Run) string {
	return r.Program + "/" + r.Intent + "/" + r.Disguise + "/" + r.Site + "/" + r.Client
}

// findRecordings returns the runs of a file that are wanted, as they were before they were written.
func findRecordings(f *corpus.File, wanted func(*corpus.Run) bool) []*recording {
	var all []*recording
	byRun := make(map[int]*recording)
	conns := make(map[int]*corpus.Conn)
	for _, r := range f.Runs {
		if wanted(r) {
			rec := &recording{run: *r}
			byRun[r.ID] = rec
			all = append(all, rec)
		}
	}
	for _, c := range f.Conns {
		conns[c.ID] = c
	}
	for _, r := range f.Requests {
		if rec, ok := byRun[conns[r.Conn].Run]; ok {
			rec.requests = append(rec.requests, exchange{r, conns[r.Conn]})
		}
	}
	return all
}

// shift makes recordings later.
func shift(all []*recording, by int64) {
	for _, rec := range all {
		rec.run.Start += by
		shifted := make(map[*corpus.Conn]bool)
		for _, e := range rec.requests {
			e.At += by
			if !shifted[e.conn] {
				shifted[e.conn] = true
				e.conn.At += by
			}
		}
	}
}
