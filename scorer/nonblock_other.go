//go:build !unix

package scorer

// nonblock is 0: on these systems, opening a file never waits for another process.
const nonblock = 0
