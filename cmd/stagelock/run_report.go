package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/refusal"
)

// supervise runs the program and reports what is refused to it.
func (c *runner) supervise(s *streams, args []string) error {
	path, err := launch.LookPath(args[0])
	if err != nil {
		return err
	}
	table, err := c.table(s, path)
	if err != nil {
		return err
	}
	reported, err := launch.Report(table, args[0], args[1:]...)
	if err != nil {
		return err
	}
	cmd := reported.Cmd
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := catchSignals()
	log := &refusals{Log: refusal.Log{Arch: table.Arch}, s: s}
	if err := reported.Start(log.add); err != nil {
		return err
	}
	go forward(signals, cmd.Process)
	err = reported.Wait()
	log.summary()
	if c.suggest {
		log.suggest()
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		s.complain("the program was ended by %v", status.Signal())
		endBy(status.Signal())
		return &exitError{128 + int(status.Signal()), errNo} // as a shell has it
	}
	return &exitError{exit.ExitCode(), errNo}
}

// Refusals are what a report has been told.
type refusals struct {
	refusal.Log
	looker
	s *streams
}

// toldEach is how many refusals of one call by one rule are told one by one.
const toldEach = 5

// add takes a refusal.
func (l *refusals) add(r launch.Refusal) {
	x := l.Add(r.Nr, r.Args, r.By)
	if x.Count <= toldEach {
		seen := l.look(l.Arch, r)
		l.s.complain("thread %d: %s: %s, %s", r.Thread, refusal.Call(l.Arch, r.Nr, r.Args, seen.names), r.By.Action.Text(l.Arch),
			refusal.Whose(r.By.Origin))
		for _, line := range seen.lines() {
			fmt.Fprintln(l.s.err, line)
		}
	}
	if x.Count == toldEach {
		l.s.complain("further refusals of %s by this rule are counted only", refusal.Name(l.Arch, r.Nr))
	}
}

// summary counts.
func (l *refusals) summary() {
	slices.SortStableFunc(l.Seen, func(x, y *refusal.Entry) int { return y.Count - x.Count })
	for _, x := range l.Seen {
		if x.Count > toldEach {
			l.s.complain("%s was refused %d times by %s", refusal.Name(l.Arch, x.Nr), x.Count, refusal.Whose(x.By.Origin))
		}
	}
}

// suggest prints the rules that would have allowed what was refused. They are as narrow as what was seen.
func (l *refusals) suggest() {
	if len(l.Seen) > 0 {
		l.s.complain("these rules would have allowed it; a rule of the policy about the same call goes:")
	}
	var said []uint32
	for _, x := range l.Seen {
		if !slices.Contains(said, x.Nr) {
			fmt.Fprintln(l.s.err, l.Allowing(x.Nr))
			said = append(said, x.Nr)
		}
	}
}
