//go:build race

package scorer_test

// raceEnabled says that the race detector slows everything down.
const raceEnabled = true
