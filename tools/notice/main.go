// Command notice prints the licences of everything that a headgate binary contains, as the file NOTICE has them:
//
//	go run ./tools/notice >NOTICE
package main

import (
	"fmt"
	"os"
)

func main() {
	root, err := moduleRoot()
	if err == nil {
		err = writeNotice(os.Stdout, root)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "notice: %v\n", err)
		os.Exit(1)
	}
}
