package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/stage"
)

// textWidth is how wide lists of names are printed.
const textWidth = 96

// explainStage prints what stage k does.
func explainStage(s *streams, p *stage.Plan, k int) error {
	st := s.style()
	fmt.Fprintf(s.out, "%s\n\n", st.head(capital(where(p, k))))
	o := overview(p, k)
	o.printCounts(s)
	if err := printFilters(s, p, k); err != nil {
		return err
	}
	if p.Policy.Deferred {
		fmt.Fprintln(s.out, "  in force   from the next exec on (on_next_syscall)")
	}
	fmt.Fprintf(s.out, "\n%s\n", st.head("Allowed, by who holds it"))
	for _, g := range o.granted {
		g.print(s, st)
	}
	fmt.Fprintf(s.out, "\n%s\n", st.head("Refused, by what it gets"))
	for _, g := range o.refused {
		g.print(s, st)
	}
	return nil
}

// A summary is a stage as people look at it: who allows what, who refuses what.
type summary struct {
	allowed, always, known int
	granted, refused       []*group
}

// A group is the calls that one holder allows, or that get one refusal from one source.
type group struct {
	order  int // groups are shown by ascending order, then name
	name   string
	rest   bool     // too many to be told by name: what no stage ever allowed
	plain  []string // calls without a condition
	shaped []shaped
}

// shaped is a call with the condition that it is allowed, or refused, under.
type shaped struct{ call, when string }

// overview sums a stage up.
func overview(p *stage.Plan, k int) *summary {
	s := &p.Stages[k]
	arch := p.Policy.Arch
	o := new(summary)
	o.allowed, o.known = s.Counts()
	granted, refused := make(map[string]*group), make(map[string]*group)
	calls := s.Table.Whole().Calls
	for i := range calls {
		d := &calls[i]
		name := d.Name
		var call *kernel.Call
		if c, ok := arch.CallNr(d.Nr); ok {
			call = &c
		} else {
			name = fmt.Sprintf("nr(%d)", d.Nr)
		}
		list := verdicts(s, d.Nr)
		if len(list) == 1 && list[0].Action.Allows() {
			o.always++
		}
		for _, v := range list {
			switch {
			case v.Action.Allows():
				g := groupOf(granted, v.Origin, grantTitle(v, s.Name))
				g.add(name, policy.FormatCond(named(v.If), call, arch), v.If == policy.Const(true))
			case len(list) > 1 && neverAllowed(v.Origin, p): // goes without saying
			default:
				g := groupOf(refused, v.Origin, refusalTitle(v, arch))
				g.rest = neverAllowed(v.Origin, p)
				g.add(name, v.when(call, arch), v.only && v.rest)
			}
		}
	}
	o.granted, o.refused = sorted(granted), sorted(refused)
	return o
}

// neverAllowed tells whether a refusal is that of the first stage for all that nobody allows.
func neverAllowed(o *policy.Origin, p *stage.Plan) bool {
	return o.Kind == policy.FromDeny && o.Stage == p.Stages[0].Name
}

func grantTitle(v verdict, stage string) string {
	title := holder(v.Origin)
	switch {
	case v.Origin.Kind == policy.FromFloor:
		title += ": what stays whatever the policy says"
	case v.Origin.Kind == policy.FromRule && v.Origin.Stage == stage:
		title = "rules"
	case v.Origin.Kind == policy.FromRule:
		title = "rules of stage " + v.Origin.Stage
	}
	if v.Action.Kind == policy.Log {
		title += ", logged"
	}
	return title
}

func refusalTitle(v verdict, arch *kernel.Arch) string {
	by := holder(v.Origin)
	switch v.Origin.Kind {
	case policy.FromRule:
		by = "rules of stage " + v.Origin.Stage
	case policy.FromFallback:
		by += ": Go or the C library go another way"
	}
	return v.Action.Text(arch) + ", " + by
}

func groupOf(groups map[string]*group, o *policy.Origin, title string) *group {
	g := groups[title]
	if g == nil {
		g = &group{order: int(o.Kind), name: title}
		groups[title] = g
	}
	return g
}

func sorted(groups map[string]*group) []*group {
	return slices.SortedFunc(maps.Values(groups), func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name))
	})
}

// add puts a call into the group: plain, or with the condition that the verdict is given under.
func (g *group) add(name, when string, plain bool) {
	if plain {
		g.plain = append(g.plain, name)
		return
	}
	g.shaped = append(g.shaped, shaped{name, when})
}

// print prints a group: its plain calls in alphabetical order, then those with conditions.
func (g *group) print(s *streams, st style) {
	if g.rest {
		fmt.Fprintf(s.out, "  %s: %s that nobody allows\n", st.head(g.name), count(len(g.plain), "call"))
		return
	}
	fmt.Fprintf(s.out, "  %s\n", st.head(g.name))
	slices.Sort(g.plain)
	for _, line := range fold(listed(g.plain), textWidth-4) {
		fmt.Fprintf(s.out, "    %s\n", line)
	}
	rows := columns{indent: "    "}
	slices.SortStableFunc(g.shaped, func(a, b shaped) int { return cmp.Compare(a.call, b.call) })
	for _, x := range g.shaped {
		rows.row(cell{text: x.call}, cell{text: x.when})
	}
	fmt.Fprint(s.out, rows.String())
}

// printCounts prints how many calls there are of each kind.
func (o *summary) printCounts(s *streams) {
	fmt.Fprintf(s.out, "  calls      %d allowed of %d known: %d always, %d by their arguments\n", o.allowed, o.known,
		o.always, o.allowed-o.always)
}

// printFilters prints how large the filters are, and how long their paths.
func printFilters(s *streams, p *stage.Plan, k int) error {
	used := 0
	var stack []*filter.Program
	for i := range k + 1 {
		progs, err := filter.Compile(p.Filter(i-1, i), filter.Options{})
		if err != nil {
			return inStage(p, i, err)
		}
		head, upon := "filters", "from nothing"
		if i > 0 {
			head, upon = "", "upon stage "+p.Stages[i-1].Name
		}
		fmt.Fprintf(s.out, "  %-10s stage %s, %s: %s\n", head, p.Stages[i].Name, upon, sizes(progs))
		for _, prog := range progs {
			used += prog.Weight() + filter.ProgramCost
		}
		stack = append(stack, progs...)
	}
	if k > 0 {
		progs, err := filter.Compile(p.Filter(-1, k), filter.Options{})
		if err != nil {
			return inStage(p, k, err)
		}
		fmt.Fprintf(s.out, "  %-10s stage %s, if it is locked first: %s\n", "", p.Stages[k].Name, sizes(progs))
	}
	fmt.Fprintf(s.out, "  budget     counted by the kernel as %d of the %d instructions that it gives a process\n", used, filter.MaxBudget)
	fmt.Fprintf(s.out, "  bitmap     %s never run a filter, from Linux 5.11 on\n",
		count(constantCalls(stack, p.Policy.Arch), "call"))
	return nil
}

// constantCalls counts the calls that the kernel's constant-action bitmap holds: all filters allow them without a look
// at their arguments.
func constantCalls(stack []*filter.Program, arch *kernel.Arch) int {
	n := 0
	for _, c := range arch.Calls() {
		if !slices.ContainsFunc(stack, func(p *filter.Program) bool { return !bpf.ConstantAllow(p.Insns, arch.Audit, c.Nr) }) {
			n++
		}
	}
	return n
}

// sizes describes the programs of a filter.
func sizes(progs []*filter.Program) string {
	var list []string
	for _, p := range progs {
		longest := longestPath(p.Insns)
		list = append(list, fmt.Sprintf("%s, the longest path %d", count(len(p.Insns), "instruction"), longest))
	}
	return strings.Join(list, "; ")
}
