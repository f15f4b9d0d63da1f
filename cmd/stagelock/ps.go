package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode"

	"github.com/stagelock/seccomp/proc"
)

func newPs() *command {
	return &command{
		name:     "ps",
		synopsis: "[-json] [-proc DIR] [PID…]",
		brief:    "show the processes that have seccomp in force",
		help: `
Of each, from the kernel: its threads, mode, number of filters, no_new_privs, and what is done about speculative
execution (speculative store bypass / indirect branches). Threads that differ from the rest stand below it. A process
that locked itself by this library has published its stage and policy, which is its own claim; where the kernel's count
differs, a line says so.

With PIDs: these processes, whatever they have. The exit code is 1 if one of them isn't there.`,
		action: new(ps),
	}
}

// A ps is the command `ps`.
type ps struct {
	proc   proc.FS
	asJSON bool
}

func (c *ps) flags(fs *flag.FlagSet) {
	fs.BoolVar(&c.asJSON, "json", false, "print a list of {pid, command, threads, mode, filters, no_new_privs, …}")
	fs.StringVar(&c.proc.Root, "proc", "", "read the proc file system in `DIR`, or a copy of one, instead of /proc")
}

func (c *ps) run(s *streams, args []string) error {
	list, err := c.look(s, args)
	if err != nil && !errors.Is(err, errNo) {
		return err
	}
	unread := 0
	for i := range list {
		p := &list[i]
		if p.Unseen != nil {
			s.complain("note: %v", p.Unseen)
		}
		if p.Unclaimed != nil && errors.Is(p.Unclaimed, fs.ErrPermission) {
			unread++
		}
	}
	if unread > 0 {
		s.complain("note: what %s published could not be read: that takes the same user or CAP_SYS_PTRACE",
			processes(unread))
	}
	if c.asJSON {
		if err := encode(s, processesJSON(list)); err != nil {
			return err
		}
	} else if len(list) > 0 {
		fmt.Fprint(s.out, table(list, s.style(), s.terminal))
	} else if len(args) == 0 {
		s.complain("no process is seen to have seccomp in force")
	}
	return err
}

// look returns the processes asked for. The error is errNo if some are not there.
func (c *ps) look(s *streams, args []string) (list []proc.Process, err error) {
	if len(args) == 0 {
		survey, err := c.proc.Survey()
		if err != nil {
			return nil, err
		}
		if n := len(survey.Unseen); n > 0 {
			s.complain("note: %s could not be read, the first: %v", processes(n), survey.Unseen[0])
		}
		if survey.Hidden {
			s.complain("note: /proc hides the processes of other users (hidepid)")
		}
		return survey.Locked, nil
	}
	for _, arg := range args {
		pid, err := pidOf(arg)
		if err != nil {
			return nil, err
		}
		list = append(list, proc.Process{Pid: pid})
	}
	kept := list[:0]
	for _, x := range list {
		p, e := c.proc.Process(x.Pid)
		if e != nil {
			s.complain("%v", e)
			err = errNo
			continue
		}
		kept = append(kept, p)
	}
	return kept, err
}

// pidOf reads a process id of the command line.
func pidOf(arg string) (int, error) {
	pid, err := strconv.ParseUint(arg, 10, 31)
	if err != nil || pid == 0 {
		return 0, wordf("%q is no process id", arg)
	}
	return int(pid), nil
}

// maxDiffer is how many threads that differ are shown one by one, and maxCommand how much of a command on a terminal.
const (
	maxDiffer  = 8
	maxCommand = 60
)

// table shows processes to people.
func table(list []proc.Process, st style, terminal bool) string {
	var c columns
	var head []cell
	for _, text := range []string{"PID", "THREADS", "MODE", "FILTERS", "NNP", "SPECULATION", "STAGE", "POLICY", "COMMAND"} {
		head = append(head, cell{text, st.head})
	}
	c.row(head...)
	for i := range list {
		p := &list[i]
		usual, differ := p.Usual()
		stage, policy := "-", "-"
		switch {
		case p.Claim != nil:
			stage, policy = p.Claim.Stage, p.Claim.Policy
			if p.Claim.Mode != "enforce" {
				stage += " (" + p.Claim.Mode + ")"
			}
		case errors.Is(p.Unclaimed, fs.ErrPermission):
			stage, policy = "?", "?"
		case p.Unclaimed != nil && !errors.Is(p.Unclaimed, proc.ErrUnpublished) && !errors.Is(p.Unclaimed, fs.ErrNotExist):
			stage, policy = "malformed", "-"
		}
		command := printable(p.Command)
		if r := []rune(command); terminal && len(r) > maxCommand {
			command = string(r[:maxCommand-1]) + "…"
		}
		c.row(append(stateCells(strconv.Itoa(p.Pid), strconv.Itoa(len(p.Threads)), usual),
			cell{text: printable(stage)}, cell{text: printable(policy)}, cell{text: command})...)
		for i, s := range differ {
			if i == maxDiffer && len(differ) > maxDiffer+1 {
				c.row(cell{}, cell{}, cell{fmt.Sprintf("and %d more threads differ", len(differ)-i), st.bad})
				break
			}
			c.row(append(stateCells("  "+strconv.Itoa(s.Tid), "", s), cell{}, cell{},
				cell{"thread " + printable(s.Name) + " differs", st.bad})...)
		}
		if d := p.Disagrees(); d != "" {
			c.row(cell{}, cell{}, cell{d, st.bad})
		}
	}
	return c.String()
}

// stateCells shows a thread's state.
func stateCells(id, threads string, s proc.State) []cell {
	filters, nnp, speculation := "?", "no", "-"
	if s.Filters >= 0 {
		filters = strconv.Itoa(s.Filters)
	}
	if s.NoNewPrivs {
		nnp = "yes"
	}
	if s.StoreBypass != "" || s.IndirectBranch != "" {
		speculation = orUnknown(s.StoreBypass) + " / " + orUnknown(s.IndirectBranch)
	}
	return []cell{{text: id}, {text: threads}, {text: s.Mode.String()}, {text: filters}, {text: nnp}, {text: speculation}}
}

func orUnknown(text string) string {
	if text == "" {
		return "?"
	}
	return text
}

// printable returns text without what would do something to a terminal: others have written it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '�'
		}
		return r
	}, text)
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}
