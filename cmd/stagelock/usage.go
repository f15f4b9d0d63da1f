package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printUsage says what commands there are.
func printUsage(w io.Writer, table []*command) {
	fmt.Fprint(w, `stagelock works with seccomp policies: which system calls a program gives up, and when.

usage: stagelock COMMAND [FLAG…] [ARGUMENT…]

`)
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, c := range table {
		fmt.Fprintf(tw, "    %s\t%s\n", c.name, c.brief)
	}
	tw.Flush()
	fmt.Fprint(w, `
`+"`stagelock COMMAND -h`"+` says more. A FILE named - is the standard input. Results are printed on stdout, errors
and notes on stderr; the exit code is 0 if all is fine, 1 if the answer is no, and 2 if the command line is wrong.
`)
}

// printUsage says what a command does and which flags it takes.
func (c *command) printUsage(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprintf(w, "usage: stagelock %s %s\n\n%s.\n", c.name, c.synopsis, capital(c.brief))
	if c.help != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.help))
	}
	fmt.Fprintln(w, "\nFlags:")
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		head := "-" + f.Name
		if value != "" {
			head += " " + value
		}
		for _, line := range strings.Split(text, "\n") {
			fmt.Fprintf(tw, "    %s\t%s\n", head, line)
			head = ""
		}
	})
	tw.Flush()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
