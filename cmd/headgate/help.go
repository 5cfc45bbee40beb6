package main

import "slices"

// helpCommand is headgate help, another way to write --help.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"Command, with its subcommand if it has one."`
}

// helpArguments returns the command line for "headgate help COMMAND".
func helpArguments(args []string) []string {
	if len(args) > 0 && args[0] == "help" && !slices.Contains(args, "--help") {
		return append(args[1:len(args):len(args)], "--help")
	}
	return args
}
