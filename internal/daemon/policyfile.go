package daemon

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/headgate/headgate/internal/hostlimits"
	"github.com/headgate/headgate/internal/opfile"
)

// policyFile is the operator's file of limits.
type policyFile struct {
	path    string
	read    fs.FileInfo // the state of the file that was read last; nil: none
	refused error       // why the content of that state is not in force
	text    []byte      // the last content that makes sense; nil: there was none
}

// look reads the file where it has changed since it was read. The error, at each look, says what is wrong with the
// file as it is now; text then stays what it was.
func (p *policyFile) look() error {
	info, err := os.Stat(p.path)
	if err != nil {
		p.read = nil // a file that takes its place is read even if it looks the same
		return fmt.Errorf("policy of limits: %w (put the file back)", err)
	}
	if p.read != nil && os.SameFile(info, p.read) && info.ModTime().Equal(p.read.ModTime()) && info.Size() == p.read.Size() {
		return p.refused
	}
	text, err := opfile.Read(p.path, hostlimits.MaxPolicy)
	if err != nil {
		p.read = nil
		return fmt.Errorf("policy of limits: %w", err)
	}
	p.read, p.refused = info, nil
	if _, err := hostlimits.ParsePolicy(text); err != nil {
		p.refused = fmt.Errorf("policy of limits: %s: %w", p.path, err)
		return p.refused
	}
	p.text = text
	return nil
}

// forget has the next look read the file whether it has changed or not.
func (p *policyFile) forget() { p.read = nil }
