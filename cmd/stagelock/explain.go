package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/stage"
)

func newExplain() *command {
	return &command{
		name:     "explain",
		synopsis: "[-stage S] [-arch A] [-go V] [-cgo] [-env NAME=N,…] FILE [NAME [ARG…]]",
		brief:    "tell what a stage does, or why a call gets what it gets",
		help: `
Of a call NAME, as openat or nr(500): what it gets under which condition, the first that holds being it, with the
line, the set or the floor that says so, and the reason. With ARGs, as eval has them: what this one call gets, missing
ones being 0.

Without NAME: how many calls the stage allows, how large its filters are, which calls are allowed by whom, and what
the refused ones get.`,
		action: new(explain),
	}
}

// An explain is the command `explain`.
type explain struct {
	target
	envFlag
	stage string
}

func (c *explain) flags(fs *flag.FlagSet) {
	c.target.flags(fs)
	c.envFlag.flag(fs)
	fs.StringVar(&c.stage, "stage", "", "the stage `S`; without it the last one")
}

func (c *explain) run(s *streams, args []string) error {
	if len(args) == 0 {
		return shapef("FILE is missing")
	}
	arch, err := c.arch()
	if err != nil {
		return err
	}
	var nr uint32
	var call *kernel.Call
	var regs [6]uint64
	e := eval{target: c.target, envFlag: c.envFlag, stage: c.stage}
	if len(args) >= 2 {
		if nr, call, err = findCall(arch, args[1]); err != nil {
			return err
		}
		if regs, err = e.registers(arch, call, args[2:]); err != nil {
			return err
		}
	}
	p, err := c.plan(s, args[0], withStandIns(c.env))
	if err != nil {
		return err
	}
	k, err := stageOf(p, c.stage)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 1:
		return explainStage(s, p, k)
	case len(args) == 2:
		explainCall(s, p, k, nr, call, verdicts(&p.Stages[k], nr))
		return nil
	}
	if _, err := e.verdict(p.Policy, nr, regs); err != nil { // it may hang on what only the process knows
		return err
	}
	decides := p.Stages[k].Table.Eval(nr, regs)
	list := verdicts(&p.Stages[k], nr)
	explainCall(s, p, k, nr, call, slices.DeleteFunc(list, func(v verdict) bool { return v.Clause != decides }))
	return nil
}

// explainCall prints what a call gets in stage k by some of its verdicts.
func explainCall(s *streams, p *stage.Plan, k int, nr uint32, call *kernel.Call, list []verdict) {
	arch, st := p.Policy.Arch, s.style()
	head := fmt.Sprintf("nr(%d)", nr)
	if call != nil {
		head = fmt.Sprintf("%s, nr %d,", call.Name, nr)
	}
	fmt.Fprintf(s.out, "%s\n", st.head(fmt.Sprintf("%s in %s", head, where(p, k))))
	if call != nil {
		fmt.Fprintln(s.out, st.quiet(prototype(call)))
	}
	width := 0
	for _, v := range list {
		width = max(width, len(v.Action.Text(arch)))
	}
	for _, v := range list {
		mark := st.bad
		if v.Action.Allows() {
			mark = st.good
		}
		text := v.Action.Text(arch)
		when := v.when(call, arch)
		if len(list) == 1 && v.rest && !v.only {
			when = "for want of another condition that holds"
		}
		fmt.Fprintf(s.out, "\n  %s%s  %s\n", mark(text), strings.Repeat(" ", width-len(text)), when)
		source, reason := origin(v.Origin)
		for _, line := range folded(source, reason) {
			fmt.Fprintf(s.out, "  %*s  %s\n", width, "", st.quiet(line))
		}
	}
	if names := p.Stages[k].Symbols(nr); len(names) > 0 {
		fmt.Fprintf(s.out, "\n  %s only the process itself knows.\n", strings.Join(names, " and "))
	}
}

// where names a stage with all that it depends on.
func where(p *stage.Plan, k int) string {
	return fmt.Sprintf("stage %s of %s on %s", p.Stages[k].Name, p.Policy.Name, p.Policy.Arch.Name)
}

// prototype returns the arguments of a call with what the kernel reads of each.
func prototype(call *kernel.Call) string {
	if !call.Known() {
		return "its arguments have no known names: arg0 to arg5"
	}
	var list []string
	for _, a := range call.Args() {
		list = append(list, a.Name+" "+typeText(a.Type))
	}
	if len(list) == 0 {
		return "takes no arguments"
	}
	return "takes " + strings.Join(list, ", ")
}

func typeText(t kernel.Type) string {
	switch {
	case t.Pointer:
		return "pointer"
	case t.Signed:
		return fmt.Sprintf("int%d", t.Bits)
	}
	return fmt.Sprintf("uint%d", t.Bits)
}

// A verdict is a clause that can be reached.
type verdict struct {
	*policy.Clause
	rest bool // it is what all the arguments get that are left by the clauses before
	only bool // there are none before
}

// when returns the condition of a verdict as a person reads it behind those before it.
func (v *verdict) when(call *kernel.Call, arch *kernel.Arch) string {
	switch {
	case v.only && v.rest:
		return "always"
	case v.rest:
		return "otherwise"
	}
	return policy.FormatCond(named(v.If), call, arch)
}

// verdictNodes bounds the decision diagrams that tell which clauses of a call can be reached.
const verdictNodes = 1 << 18

// verdicts returns the clauses of a call that some arguments lead to, in their order.
func verdicts(s *stage.Stage, nr uint32) []verdict {
	d, ok := s.Table.Find(nr)
	if !ok {
		return []verdict{{s.Table.Eval(nr, [6]uint64{}), true, true}}
	}
	decider := policy.NewDecider(verdictNodes)
	var list []verdict
	left := bdd.True // the arguments that no clause has taken yet
	for i := range d.Clauses {
		c := &d.Clauses[i]
		cond := decider.Cond(c.If)
		taken := decider.And(left, cond)
		if taken == bdd.False && decider.Err() == nil {
			continue
		}
		list = append(list, verdict{c, taken == left, len(list) == 0})
		if left = decider.And(left, decider.Not(cond)); left == bdd.False && decider.Err() == nil {
			break
		}
	}
	return list
}

// folded returns who says a verdict, and the reason, on lines of some width.
func folded(source, reason string) []string {
	if reason == "" {
		return []string{source}
	}
	return fold(strings.Fields(source+": "+reason), textWidth)
}

// origin returns who says a verdict, with the place, and the reason.
func origin(o *policy.Origin) (source, reason string) {
	if o == nil {
		return "", ""
	}
	at := ""
	if o.Line > 0 {
		at = fmt.Sprintf(", %s:%d", o.File, o.Line)
	}
	return holder(o) + at, o.Why
}

// holder returns who says a verdict.
func holder(o *policy.Origin) string {
	switch o.Kind {
	case policy.FromRule:
		return "rule"
	case policy.FromSet:
		return "set " + o.Set
	case policy.FromFloor:
		return "floor " + o.Set
	case policy.FromFallback:
		return "fallback"
	case policy.FromDeny:
		return "deny of stage " + o.Stage
	case policy.FromUnknown:
		return "newer than the tables"
	case policy.FromForeign:
		return "a foreign ABI"
	case policy.FromBefore:
		return "stage " + o.Stage
	}
	return ""
}
