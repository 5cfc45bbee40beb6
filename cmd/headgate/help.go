package main

import "slices"

// helpCommand is headgate help, which is another way to write --help.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"Command, with the subcommand if it has some."`
}

// helpArguments returns the command line that "headgate help COMMAND" stands for.
func helpArguments(args []string) []string {
	if len(args) > 0 && args[0] == "help" && !slices.Contains(args, "--help") {
		return append(args[1:len(args):len(args)], "--help")
	}
	return args
}
