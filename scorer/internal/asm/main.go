// Command asm writes the assembly of package scorer: kernels_amd64.s and its declarations,
// kernels_amd64.go.
//
// It is a module of its own, so that users of scorer do not depend on the generator. The layouts
// that the kernels read are described where Go code builds them: quantiser, lookup and blocks of
// package scorer. The kernels check nothing; the builders guarantee every index.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	quantise512()
	quantise256()
	oblivious512()
	oblivious256()
	exits512()
	Generate()
}
