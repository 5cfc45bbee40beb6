package mmapsync

import "github.com/headgate/headgate/internal/base/mmap"

// errTruncated is the refusal for a fault.
const errTruncated formatReason = "the file was truncated while it was in use"

// checked runs a decoder on mapped memory and returns a refusal for a fault.
func checked(decode func() error) (err error) {
	if !mmap.Intact(func() { err = decode() }) {
		return errTruncated
	}
	return err
}
