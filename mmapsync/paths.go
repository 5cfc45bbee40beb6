package mmapsync

import "strconv"

// paths names the files of one path.
type paths string

func (p paths) state() string     { return string(p) + "_state" }
func (p paths) registry() string  { return string(p) + "_readers" }
func (p paths) data(i int) string { return string(p) + "_data_" + strconv.Itoa(i) }

// all returns the names, the state file's first.
func (p paths) all() []string { return []string{p.state(), p.registry(), p.data(0), p.data(1)} }

// temporary returns the name under which a file is made before it is renamed. It is fixed, so that
// what a killed writer left is found, and in the same folder, so that the rename is atomic.
func temporary(path string) string { return path + ".tmp" }
