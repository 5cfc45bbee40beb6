// Package forest holds tree ensembles as files describe them: the types that every decoder fills
// in, and one check for all formats. It does not parse files or evaluate trees.
package forest
