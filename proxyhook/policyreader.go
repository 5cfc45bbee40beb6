package proxyhook

import (
	"bytes"
	"errors"

	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/mmapsync"
)

// policyReader reads the policy of limits that the daemon publishes.
type policyReader struct {
	owners  []int
	dir     hostdir.Dir
	reader  *mmapsync.Reader // nil: not open
	version mmapsync.Version // of the last policy read
}

// read returns the policy published in dir. changed is false if it is the last one read, or if
// there is none yet.
func (p *policyReader) read(dir hostdir.Dir) (text []byte, changed bool, err error) {
	if dir != p.dir {
		p.dir = dir
		p.close()
	}
	if err := p.open(); err != nil {
		return nil, false, err
	}
	snapshot, err := p.reader.Acquire()
	if errors.Is(err, mmapsync.ErrNotPublished) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer snapshot.Release()
	if snapshot.Version() == p.version {
		return nil, false, nil
	}
	p.version = snapshot.Version()
	return bytes.Clone(snapshot.Bytes()), true, nil
}

// open opens the files of the directory, again if they were replaced.
func (p *policyReader) open() error {
	if p.reader != nil {
		if replaced, err := p.reader.Replaced(); err == nil && replaced {
			p.close()
		}
	}
	if p.reader != nil {
		return nil
	}
	options := mmapsync.ReaderOptions{Slots: 1, Owners: p.owners}
	r, err := mmapsync.OpenReader(p.dir.Policy(), options)
	if err != nil {
		return err
	}
	p.reader = r
	return nil
}

// close stops reading. The last policy stays in force.
func (p *policyReader) close() error {
	if p.reader == nil {
		return nil
	}
	r := p.reader
	p.reader, p.version = nil, 0
	return r.Close()
}
