//go:build !race

package hostlimits_test

const underRace = false
