//go:build !unix

package opfile

// nonblock is 0: opening a file here never waits for another process.
const nonblock = 0
