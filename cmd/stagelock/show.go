package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
)

func newShow() *command {
	return &command{
		name:     "show",
		synopsis: "[-each|-asm|-source] PID",
		brief:    "print what is in force on a process, as a policy",
		help: `
All filters of the process are fetched from the kernel, whoever made them, and printed as the one policy that they
amount to; once for each group of threads that have the same. That takes CAP_SYS_ADMIN, and that stagelock itself runs
under no filter. Each thread is stopped for as long as it takes, some tens of microseconds.

Without that right it prints what the process has published itself, if it was locked by this library: a claim, of which
only the number of filters can be checked.`,
		action: new(show),
	}
}

// A show is the command `show`.
type show struct {
	each, asm, source bool
}

func (c *show) flags(fs *flag.FlagSet) {
	fs.BoolVar(&c.each, "each", false, "filter by filter, the oldest first")
	fs.BoolVar(&c.asm, "asm", false, "as listings of the filters' instructions")
	fs.BoolVar(&c.source, "source", false, "the policy as it was written, which a process locked by this library has\npublished: a claim")
}

func (c *show) run(s *streams, args []string) error {
	if len(args) != 1 {
		return shapef("one PID is wanted, not %d", len(args))
	}
	if c.each && c.asm || c.each && c.source || c.asm && c.source {
		return shapef("-each, -asm and -source exclude each other")
	}
	pid, err := pidOf(args[0])
	if err != nil {
		return err
	}
	p, err := proc.FS{}.Process(pid)
	if err != nil {
		return err
	}
	if p.Unseen != nil {
		s.complain("note: %v", p.Unseen)
	}
	if c.source {
		return showSource(s, &p)
	}
	if !p.InForce() {
		fmt.Fprintf(s.out, "# process %d, %s: no filter is in force\n", pid, printable(p.Command))
		if p.Claim != nil {
			for _, line := range claimed(&p, nil) {
				fmt.Fprintf(s.out, "# %s\n", line)
			}
		}
		return nil
	}
	stacks, err := proc.Filters(pid)
	switch {
	case errors.Is(err, proc.ErrPrivilege) && len(stacks) == 0, errors.Is(err, errors.ErrUnsupported):
		return c.claim(s, &p, err)
	case len(stacks) == 0:
		return err
	case err != nil:
		s.complain("note: %v", err)
	}
	c.stacks(s, &p, stacks)
	return nil
}

// stacks prints what the kernel says.
func (c *show) stacks(s *streams, p *proc.Process, stacks []proc.Stack) {
	arch := archOfProcess(p.Pid)
	threads := 0
	for _, x := range stacks {
		threads += len(x.Tids)
	}
	fmt.Fprintf(s.out, "# process %d, %s\n", p.Pid, printable(p.Command))
	for _, line := range claimed(p, stacks) {
		fmt.Fprintf(s.out, "# %s\n", line)
	}
	for i, x := range stacks {
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		which := count(threads, "thread")
		if len(stacks) > 1 {
			which = fmt.Sprintf("%d of %d threads: %s", len(x.Tids), threads, numbersList(x.Tids))
		}
		if len(x.Filters) == 0 {
			fmt.Fprintf(s.out, "# %s, without a filter\n", which)
			continue
		}
		programs := make([][]proc.Instruction, len(x.Filters))
		for k, f := range x.Filters {
			programs[k] = f.Program
		}
		fmt.Fprintf(s.out, "# %s, %s\n", which, budget(programs))
		l := listing{streams: s, arch: arch, each: c.each, asm: c.asm}
		for k := range x.Filters {
			l.logged = append(l.logged, x.Filters[k].Log)
		}
		l.print(programs)
	}
}

// budget says how much of what the kernel allows is used.
func budget(programs [][]proc.Instruction) string {
	instructions, weight := 0, 0
	for _, p := range programs {
		instructions += len(p)
		weight += lock.Weight(p) + lock.WeightEach
	}
	return fmt.Sprintf("%s of %s, which the kernel counts as %d of at most %d", count(len(programs), "filter"),
		count(instructions, "instruction"), weight, lock.MaxWeight)
}

// numbersList names some numbers.
func numbersList(list []int) string {
	const most = 10
	var words []string
	for i, n := range list {
		if i == most {
			words = append(words, "…")
			break
		}
		words = append(words, fmt.Sprint(n))
	}
	return strings.Join(words, ", ")
}

// claimed compares what the process has published with what the kernel says.
func claimed(p *proc.Process, stacks []proc.Stack) []string {
	c := p.Claim
	if c == nil {
		if errors.Is(p.Unclaimed, proc.ErrUnpublished) || errors.Is(p.Unclaimed, fs.ErrNotExist) {
			return nil
		}
		return []string{"what it has published can't be read: " + printable(message(p.Unclaimed))}
	}
	head := fmt.Sprintf("it claims to be in stage %s of %s since %s", printable(c.Stage), printable(c.Policy),
		c.Locked.UTC().Format("2006-01-02 15:04:05"))
	if c.Mode == "observe" {
		head += ", which it only observes: what its filter notifies of is let through"
	}
	if d := p.Disagrees(); d != "" {
		return []string{head, "it disagrees with the kernel: " + d}
	}
	for i := range stacks {
		if !stacks[i].Has(c.Programs) {
			return []string{head, "it disagrees with the kernel: the filters it claims are not those in force"}
		}
	}
	if c.LeftOut > 0 {
		return []string{head + ", and the filters that it shows are in force"}
	}
	return []string{head + ", and the filters it claims are in force"}
}

// claim prints what the process says of itself. denied is why the kernel says nothing.
func (c *show) claim(s *streams, p *proc.Process, denied error) error {
	s.complain("note: %v", denied)
	x := p.Claim
	if x == nil {
		return fmt.Errorf("what it has published is no help: %w", p.Unclaimed)
	}
	fmt.Fprintf(s.out, "# process %d, %s\n", p.Pid, printable(p.Command))
	fmt.Fprintf(s.out, "# What follows is the process's own claim: stage %s of %s since %s.\n", printable(x.Stage),
		printable(x.Policy), x.Locked.UTC().Format("2006-01-02 15:04:05"))
	if d := p.Disagrees(); d != "" {
		fmt.Fprintf(s.out, "# It disagrees with the kernel: %s.\n", d)
	} else {
		usual, _ := p.Usual()
		fmt.Fprintf(s.out, "# The kernel counts as many filters on each thread, %d, and shows no more than that.\n", usual.Filters)
	}
	if x.Mode == "observe" {
		fmt.Fprintln(s.out, "# It only observes the stage: what its filter notifies of is let through.")
	}
	if outer := x.Filters - x.Own; x.Filters >= 0 && outer > 0 {
		fmt.Fprintf(s.out, "# %s that it had before, from elsewhere, refuse what they refuse in addition.\n", count(outer, "filter"))
	}
	if x.LeftOut > 0 {
		fmt.Fprintf(s.out, "# %s are left out for want of room: they refuse more.\n", count(x.LeftOut, "filter"))
	}
	arch, ok := kernel.ByName(x.Arch)
	if !ok || len(x.Programs) == 0 {
		return showSource(s, p)
	}
	fmt.Fprintf(s.out, "# %s\n", budget(x.Programs))
	l := listing{streams: s, arch: arch, each: c.each, asm: c.asm}
	for _, program := range x.Programs {
		if err := bpf.Check(instructions(program)); err != nil {
			return fmt.Errorf("what process %d has published makes no sense: %w", p.Pid, err)
		}
	}
	l.print(x.Programs)
	return nil
}

// showSource prints the policy as it was written.
func showSource(s *streams, p *proc.Process) error {
	c := p.Claim
	if c == nil {
		if p.Unclaimed == nil {
			return fmt.Errorf("process %d: no filter is in force", p.Pid)
		}
		return p.Unclaimed
	}
	fmt.Fprintf(s.out, "# What process %d claims to follow: stage %s of %s.\n", p.Pid, printable(c.Stage), printable(c.Policy))
	for _, line := range strings.SplitAfter(c.Source, "\n") {
		text, newline := strings.CutSuffix(line, "\n")
		fmt.Fprint(s.out, strings.ReplaceAll(printable(strings.ReplaceAll(text, "\t", "    ")), "\x00", ""))
		if newline {
			fmt.Fprintln(s.out)
		}
	}
	if c.Cut > 0 {
		fmt.Fprintf(s.out, "# There was no room for %d more bytes.\n", c.Cut)
	}
	return nil
}

// archOfProcess returns the architecture of the program that a process runs; this machine's, if it can't be read.
func archOfProcess(pid int) *kernel.Arch {
	file, err := os.Open(fmt.Sprintf("/proc/%d/exe", pid))
	if err == nil {
		defer file.Close()
		if arch := archOfELF(file); arch != nil {
			return arch
		}
	}
	return kernel.Native()
}
