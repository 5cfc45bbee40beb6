package mmapsync

import "github.com/headgate/headgate/internal/mmap"

// errTruncated is what a fault says about the file.
const errTruncated formatReason = "the file was truncated while it was in use"

// checked runs a decoder on mapped memory and makes a fault one of its refusals.
func checked(decode func() error) (err error) {
	if !mmap.Intact(func() { err = decode() }) {
		return errTruncated
	}
	return err
}
