//go:build race

package limits_test

const underRace = true // everything takes some ten times as long
