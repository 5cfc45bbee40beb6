//go:build !race

package proxyhook_test

const raceEnabled = false
