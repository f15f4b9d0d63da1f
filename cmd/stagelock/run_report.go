package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/policy"
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
	// The terminal's signals reach the program as they reach stagelock; whether to end is the program's decision. They
	// are caught, not ignored: the program would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGQUIT)
	log := &refusals{s: s, table: table}
	err = reported.Run(log.add)
	log.summary()
	if c.suggest {
		log.suggest()
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	code := exit.ExitCode()
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		s.complain("the program was ended by %v", status.Signal())
		code = 128 + int(status.Signal()) // as a shell has it
	}
	return &exitError{code, errNo}
}

// Refusals are what a report has been told.
type refusals struct {
	s     *streams
	table *policy.Table
	seen  []*refused
}

// A refused is what was refused of one call by one rule.
type refused struct {
	nr     uint32
	by     *policy.Clause
	count  int
	values [6][]uint64 // of each argument, those seen; cut off behind manyValues
}

const (
	toldEach   = 5 // refusals of one call by one rule are told one by one
	manyValues = 8 // of an argument: a rule that lists more says little
)

// add takes a refusal.
func (l *refusals) add(r launch.Refusal) {
	i := slices.IndexFunc(l.seen, func(x *refused) bool { return x.nr == r.Nr && x.by == r.By })
	if i < 0 {
		i = len(l.seen)
		l.seen = append(l.seen, &refused{nr: r.Nr, by: r.By})
	}
	x := l.seen[i]
	x.count++
	for k, v := range r.Args {
		if len(x.values[k]) <= manyValues && !slices.Contains(x.values[k], v) {
			x.values[k] = append(x.values[k], v)
		}
	}
	if x.count <= toldEach {
		l.s.complain("thread %d: %s: %s, %s", r.Thread, l.call(r.Nr, r.Args), r.By.Action.Text(l.table.Arch), byWhom(r.By.Origin))
	}
	if x.count == toldEach {
		l.s.complain("further refusals of %s by this rule are counted only", l.name(r.Nr))
	}
}

// name names a call as a rule does.
func (l *refusals) name(nr uint32) string {
	if c, ok := l.table.Arch.CallNr(nr); ok {
		return c.Name
	}
	return fmt.Sprintf("nr(%d)", nr)
}

// call writes a call with its arguments: openat(dfd=AT_FDCWD, filename=0x7ffd…, flags=O_RDONLY|O_CLOEXEC, mode=0).
func (l *refusals) call(nr uint32, args [6]uint64) string {
	c, ok := l.table.Arch.CallNr(nr)
	if !ok {
		return fmt.Sprintf("nr(%d)(%#x)", nr, args)
	}
	var list []string
	for i, a := range c.Args() {
		if a.Type.Pointer {
			list = append(list, fmt.Sprintf("%s=%#x", a.Name, args[i]))
			continue
		}
		text := policy.FormatCond(equal(i, a, args[i]), &c, l.table.Arch)
		list = append(list, strings.Replace(text, " == ", "=", 1))
	}
	return c.Name + "(" + strings.Join(list, ", ") + ")"
}

// equal is the condition that an argument has a value, of which its type's bits count.
func equal(i int, a kernel.Arg, v uint64) policy.Cond {
	if a.Type.Bits < 64 {
		v &= 1<<a.Type.Bits - 1
	}
	return policy.Range{Arg: uint8(i), Bits: a.Type.Bits, Lo: v, Hi: v}
}

// byWhom says where a refusal comes from.
func byWhom(o *policy.Origin) string {
	text := "stage " + o.Stage
	if o.Line > 0 {
		text += fmt.Sprintf(", %s:%d:%d", o.File, o.Line, o.Col)
	}
	return text
}

// summary counts.
func (l *refusals) summary() {
	slices.SortStableFunc(l.seen, func(x, y *refused) int { return y.count - x.count })
	for _, x := range l.seen {
		if x.count > toldEach {
			l.s.complain("%s was refused %d times by %s", l.name(x.nr), x.count, byWhom(x.by.Origin))
		}
	}
}

// suggest prints the rules that would have allowed what was refused. They are as narrow as what was seen.
func (l *refusals) suggest() {
	if len(l.seen) > 0 {
		l.s.complain("these rules would have allowed it; a rule of the policy about the same call goes:")
	}
	var said []uint32
	for _, x := range l.seen {
		c, ok := l.table.Arch.CallNr(x.nr)
		switch {
		case slices.Contains(said, x.nr):
			continue
		case !ok:
			fmt.Fprintf(l.s.err, "%s: 1\n", l.name(x.nr))
		default:
			fmt.Fprintf(l.s.err, "sys_%s: %s\n", c.Name, l.shape(&c))
		}
		said = append(said, x.nr)
	}
}

// shape is the verdict that allows what was seen of a call.
func (l *refusals) shape(c *kernel.Call) string {
	var all policy.And
	for i, a := range c.Args() {
		var some policy.Or
		for _, x := range l.seen {
			if x.nr != c.Nr {
				continue
			}
			for _, v := range x.values[i] {
				if e := equal(i, a, v); !slices.Contains(some, e) {
					some = append(some, e)
				}
			}
		}
		switch {
		case a.Type.Pointer || len(some) > manyValues:
		case len(some) == 1:
			all = append(all, some[0])
		default:
			all = append(all, some)
		}
	}
	switch len(all) {
	case 0:
		return "1"
	case 1:
		return policy.FormatCond(all[0], c, l.table.Arch)
	}
	return policy.FormatCond(all, c, l.table.Arch)
}
