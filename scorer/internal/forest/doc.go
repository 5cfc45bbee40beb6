// Package forest holds tree ensembles as files describe them: what every decoder fills in, and one check for all formats. It knows
// no file format, and evaluates nothing.
package forest
