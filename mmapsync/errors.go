package mmapsync

import (
	"errors"
	"fmt"
	"io/fs"
)

var (
	// ErrNotPublished is returned by Acquire while no writer has published anything.
	ErrNotPublished = errors.New("mmapsync: nothing published yet")

	// ErrLocked is returned by OpenWriter while another writer has the path open.
	ErrLocked = errors.New("mmapsync: another writer has this path open")

	// ErrClosed is returned by every method of a closed Reader or Writer.
	ErrClosed = errors.New("mmapsync: closed")

	// ErrNotHashed is returned by Verify for a snapshot that Update made: no damage was found, but
	// the file has no hash of its content, which must be checked by other means.
	ErrNotHashed = errors.New("mmapsync: published by Update, without a hash of the content")

	// ErrNoSlot is returned if every slot of the registry belongs to a living reader, and none is
	// shared: the registry has fewer than 64, or the shared ones still have holds of readers that
	// have died.
	ErrNoSlot = errors.New("mmapsync: every reader slot is taken")
)

// ForeignVersionError reports a version word that the Writer did not store: another program
// publishes at the path and ignores the Writer's lock, as the crate mmap-sync does. Both may be
// filling the same file, so the Writer publishes nothing any more, and every later Publish and
// Update returns this error.
type ForeignVersionError struct {
	Path  string  // the state file
	Found Version // its version word
	Wrote Version // what this Writer stored last, or found when it was opened
}

func (e *ForeignVersionError) Error() string {
	return fmt.Sprintf("mmapsync: %s: the version word is %#x, this writer left it at %#x: "+
		"another program publishes here, and this writer has stopped "+
		"(end the other one, then start this one again)", e.Path, uint64(e.Found), uint64(e.Wrote))
}

// FormatError reports a file that is damaged, or was made by another program.
type FormatError struct {
	Path   string // the file
	Reason string // what was found, what was expected, and what to do
}

func (e *FormatError) Error() string { return fmt.Sprintf("mmapsync: %s: %s", e.Path, e.Reason) }

// formatReason is why a decoder refuses bytes; a caller that knows the path makes it a
// [*FormatError].
type formatReason string

func (r formatReason) Error() string { return string(r) }

// refusal returns why a decoder refused the file, or that it is missing. Every other error comes
// from the system and says nothing about the file: the next attempt may succeed.
func refusal(err error) (reason formatReason, ok bool) {
	if errors.Is(err, fs.ErrNotExist) {
		return "the file is missing", true
	}
	reason, ok = err.(formatReason)
	return reason, ok
}

const remedy = "; remedy: "

// explain returns a refusal as a [*FormatError] and other errors unchanged. The remedy is the same
// for every damage: all that these files have can be published again.
func explain(base paths, path string, err error) error {
	reason, ok := refusal(err)
	if !ok {
		return err
	}
	return &FormatError{Path: path, Reason: fmt.Sprintf(
		"%s%sstop the writer, delete %s, %s, %s and %s, and start it again",
		reason, remedy, base.state(), base.data(0), base.data(1), base.registry())}
}
