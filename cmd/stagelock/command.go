package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/rule"
)

// Exit codes.
const (
	exitFine  = 0
	exitNo    = 1 // the answer is no, or something failed
	exitUsage = 2 // the command line is wrong
)

// A command is one subcommand.
type command struct {
	name     string
	synopsis string // what follows the name on a command line
	brief    string // what it does, in a line
	help     string // the rest of its usage text
	action   action
	launches bool // what follows the flags is another program's command line
}

// An action is what a subcommand does. Its flags are its fields.
type action interface {
	flags(fs *flag.FlagSet)
	// run does it. The args are what follows the flags.
	run(s *streams, args []string) error
}

// errNo is the error of an action whose answer is no, when all has been said.
var errNo = errors.New("the answer is no")

// A usageError is a mistake in the command line.
type usageError struct {
	msg   string
	shape bool // there is too much or too little on it, or a flag that isn't: the usage line helps
}

func (e *usageError) Error() string { return e.msg }

// An exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// shapef returns the error of a command line of the wrong shape.
func shapef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...), true} }

// wordf returns the error of a command line with a wrong word in it, for which the usage line is no help.
func wordf(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...), false} }

// dispatch runs the subcommand that the arguments name.
func dispatch(table []*command, args []string, s *streams) int {
	if len(args) == 0 {
		printUsage(s.err, table)
		return exitUsage
	}
	name, rest := args[0], args[1:]
	switch name {
	case "-h", "-help", "--help", "help":
		if len(rest) == 0 {
			printUsage(s.out, table)
			return s.done(exitFine)
		}
		name, rest = rest[0], []string{"-h"} // help check is check -h
	}
	i := slices.IndexFunc(table, func(c *command) bool { return c.name == name })
	if i >= 0 {
		return s.done(table[i].execute(rest, s))
	}
	if strings.HasPrefix(name, "-") {
		s.complain("the flag %s comes after a command, as in: stagelock check %s", name, name)
	} else {
		names := func(yield func(string) bool) {
			for _, c := range table {
				if !yield(c.name) {
					return
				}
			}
		}
		s.complain("unknown command %q%s", name, rule.DidYouMean(name, names))
	}
	s.complain("run `stagelock -h` to see the commands")
	return exitUsage
}

// execute parses the flags, runs the command and tells its error.
func (c *command) execute(args []string, s *streams) int {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	c.action.flags(fs)
	err := fs.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		err = shapef("%s", flagMistake(err, fs))
	}
	if err == nil && !c.launches {
		err = lateFlag(fs)
	}
	if err == nil {
		err = c.action.run(s, fs.Args())
	}
	var usage *usageError
	var exit *exitError
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, flag.ErrHelp):
		c.printUsage(s.out, fs)
		return exitFine
	case errors.As(err, &usage):
		s.complain("%s: %s", c.name, usage.msg)
		if usage.shape {
			s.complain("usage: stagelock %s %s (more by `stagelock %s -h`)", c.name, c.synopsis, c.name)
		}
		return exitUsage
	case errors.As(err, &exit):
		if !errors.Is(exit.err, errNo) {
			s.tell(exit.err)
		}
		return exit.code
	case !errors.Is(err, errNo):
		s.tell(err)
	}
	return exitNo
}

// flagMistake says what is wrong with the flags. Package flag knows no types for it.
func flagMistake(err error, fs *flag.FlagSet) string {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return err.Error()
	}
	known := func(yield func(string) bool) {
		fs.VisitAll(func(f *flag.Flag) { yield(f.Name) })
	}
	if near := rule.Nearest(name, known); near != "" {
		return fmt.Sprintf("unknown flag -%s: did you mean -%s?", name, near)
	}
	return "unknown flag -" + name
}

// lateFlag fails if a flag stands behind the first argument, where it would be taken for one. A negative number is no
// flag's name. For -h the place doesn't matter.
func lateFlag(fs *flag.FlagSet) error {
	for _, a := range fs.Args() {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		switch {
		case !strings.HasPrefix(a, "-"):
		case name == "h", name == "help":
			return flag.ErrHelp
		case fs.Lookup(name) != nil:
			return shapef("the flag -%s stands behind %s: flags come first", name, fs.Arg(0))
		}
	}
	return nil
}
