//go:build !race

package limits_test

const underRace = false
