package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// streams are what a command reads and writes. Results go to out, everything else to err.
type streams struct {
	in       io.Reader
	out      *bufio.Writer
	err      io.Writer
	terminal bool // out is one
}

func newStreams(stdin io.Reader, stdout, stderr io.Writer) *streams {
	return &streams{in: stdin, out: bufio.NewWriter(stdout), err: stderr, terminal: isTerminal(stdout)}
}

// done writes out what is left, and returns the exit code: a result that could not be written is none.
func (s *streams) done(code int) int {
	if err := s.out.Flush(); err != nil {
		s.complain("%v", err)
		return max(code, exitNo)
	}
	return code
}

// complain prints a line about the command line, a file, or the like.
func (s *streams) complain(format string, args ...any) {
	fmt.Fprintf(s.err, "stagelock: "+format+"\n", args...)
}

// tell prints an error: those of a policy as FILE:LINE:COL: message, all of them.
func (s *streams) tell(err error) {
	var list rule.Errors
	var one *rule.Error
	switch {
	case errors.As(err, &list):
		for _, e := range list {
			fmt.Fprintln(s.err, e)
		}
	case errors.As(err, &one):
		fmt.Fprintln(s.err, one)
	default:
		s.complain("%v", err)
	}
}

// note formats what a person should know about a policy.
func note(n policy.Note) string { return fmt.Sprintf("%s:%v: note: %s", n.File, n.Pos, n.Text) }

// warning formats what in a policy is probably not what its author meant.
func warning(n policy.Note) string { return fmt.Sprintf("%s:%v: warning: %s", n.File, n.Pos, n.Text) }

// isTerminal tells whether w is a terminal: the standard library can't tell it from other character devices, of which
// only the null device is likely.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
