package daemon

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/headgate/headgate/internal/base/opfile"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// policyFile is the operator's file of limits.
type policyFile struct {
	path    string
	read    fs.FileInfo // state of the file at the last read; nil: not read
	invalid error       // why the content of that state is not in force
	text    []byte      // last valid content; nil: none
}

// check reads the file if it has changed. The error, at each call, is what is wrong with the
// current file; text is unchanged then.
func (p *policyFile) check() error {
	info, err := os.Stat(p.path)
	if err != nil {
		p.read = nil // a file that replaces it is read even if it looks the same
		return fmt.Errorf("policy of limits: %w (put the file back)", err)
	}
	if p.read != nil && os.SameFile(info, p.read) && info.ModTime().Equal(p.read.ModTime()) && info.Size() == p.read.Size() {
		return p.invalid
	}
	text, err := opfile.Read(p.path, hostlimits.MaxPolicy)
	if err != nil {
		p.read = nil
		return fmt.Errorf("policy of limits: %w", err)
	}
	p.read, p.invalid = info, nil
	if _, err := hostlimits.ParsePolicy(text); err != nil {
		p.invalid = fmt.Errorf("policy of limits: %s: %w", p.path, err)
		return p.invalid
	}
	p.text = text
	return nil
}

// forget makes the next check read the file even if it has not changed.
func (p *policyFile) forget() { p.read = nil }
