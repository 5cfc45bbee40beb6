//go:build race

package hostlimits_test

const underRace = true // everything takes some ten times as long
