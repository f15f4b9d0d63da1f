// Command stagelock checks, formats, explains and compiles seccomp policies: see `stagelock -h`.
//
// What it says about policies is pure: for any architecture, on any operating system. `ps` and `show` look at the
// processes of this machine, and change nothing about them; `run` becomes another program. Results are printed on stdout, errors and notes on stderr.
// The exit code is 0 if all is fine, 1 if the answer is no (a policy has mistakes, a file is not formatted) or something
// failed, and 2 if the command line is wrong.
package main

import (
	"io"
	"os"

	"github.com/stagelock/seccomp/launch"
)

func main() {
	launch.Main()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// commands returns the subcommands in the order in which they are shown.
func commands() []*command {
	return []*command{
		newCheck(),
		newFmt(),
		newEval(),
		newExplain(),
		newCompile(),
		newDiff(),
		newSets(),
		newConvert(),
		newPs(),
		newShow(),
		newRun(),
	}
}

// run executes a command line, given without the program's name, and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return dispatch(commands(), args, newStreams(stdin, stdout, stderr))
}
