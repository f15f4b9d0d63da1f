package oci

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// A profile is what is written, in the order of the specification.
type profile struct {
	rest     policy.Action
	arch     string
	syscalls []syscall
}

// A syscall is an entry of syscalls.
type syscall struct {
	names  []string
	action policy.Action
	args   dialect.Term
}

// Write writes a table as a profile of the runtime specification, for its architecture.
func Write(in *dialect.Reading, o dialect.Options) (*dialect.Written, error) {
	r := &dialect.Report{File: in.Source, Approximate: o.Approximate}
	t := in.Table.Whole()
	rest := dialect.Rest(t)
	p := profile{rest: rest, arch: arches[t.Arch.Name]}
	always := make(map[policy.Action][]string)
	var order []policy.Action
	var conditional []syscall
	loose := make(map[uint32]bool)
	for i := range t.Calls {
		d := &t.Calls[i]
		if d.Name == "" {
			if slices.ContainsFunc(d.Clauses, func(c policy.Clause) bool { return c.Action != rest }) {
				loose[d.Nr] = true
				r.LossOf(d.Clauses[0].Origin, dialect.CallText(d)+" has no name, and a profile has names only",
					"it gets what calls get that aren't named")
			}
			continue
		}
		parts, exact := dialect.Speakable(r, d, rest, dialect.Apart)
		loose[d.Nr] = !exact
		for _, part := range parts {
			if part.If == policy.Const(true) {
				if _, ok := always[part.Action]; !ok {
					order = append(order, part.Action)
				}
				always[part.Action] = append(always[part.Action], d.Name)
				continue
			}
			conditional = append(conditional, entries(d.Name, part.Action, part.Terms)...)
		}
	}
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(order, func(a, b policy.Action) int { return int(b.Kind) - int(a.Kind) })
	for _, a := range order {
		slices.Sort(always[a])
		p.syscalls = append(p.syscalls, syscall{names: always[a], action: a})
	}
	p.syscalls = append(p.syscalls, conditional...)
	p.syscalls = append(p.syscalls, lastCall(t, rest)...)
	closed := func(name string) {
		p.syscalls = append(p.syscalls, syscall{names: []string{name}, action: refusalBeside(rest, t.Arch)})
	}
	for _, through := range p.contradicted(t.Arch) {
		loose[through.Nr] = true
		r.Close(through.Name)
		closed(through.Name)
	}
	_, again, err := p.read(in)
	if err != nil {
		return nil, err
	}
	want := dialect.Joined(t)
	r.Multiplexers(want, again.Table, loose, closed)
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	text, again, err := p.read(in)
	if err != nil {
		return nil, err
	}
	w := &dialect.Written{Text: text, Notes: r.Notes}
	return w, dialect.Prove(want, again.Table, func(nr uint32) bool { return loose[nr] })
}

// read returns the profile's text, and what it means.
func (p *profile) read(in *dialect.Reading) (text string, again *dialect.Reading, err error) {
	text = p.text()
	again, err = Read(in.Source, []byte(text), Options{Options: dialect.Options{Arch: in.Table.Arch.Name}})
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", dialect.ErrProof, err)
	}
	return text, again, nil
}

// contradicted returns the calls that stand for one of which the entries say different things by its arguments: they would
// say all of them of the same arguments.
func (p *profile) contradicted(arch *kernel.Arch) (list []kernel.Call) {
	said := make(map[string]policy.Action)
	for _, s := range p.syscalls {
		for _, name := range s.names {
			through, _, ok := arch.Multiplexer(name)
			if a, known := said[name]; ok && known && a != s.action && !slices.Contains(list, through) {
				list = append(list, through)
			}
			said[name] = s.action
		}
	}
	return slices.DeleteFunc(list, func(c kernel.Call) bool {
		return slices.ContainsFunc(p.syscalls, func(s syscall) bool {
			return len(s.args) == 0 && slices.Contains(s.names, c.Name)
		})
	})
}

// refusalBeside returns a refusal that isn't the default: an entry with the default action is left out by runc.
func refusalBeside(rest policy.Action, arch *kernel.Arch) policy.Action {
	errno, _ := arch.Errno("ENOSYS")
	if a := (policy.Action{Kind: policy.Errno, Errno: errno}); a != rest {
		return a
	}
	return policy.Action{Kind: policy.Errno, Errno: eperm}
}

// entries returns an entry for each term.
func entries(name string, a policy.Action, terms []dialect.Term) []syscall {
	list := make([]syscall, 0, len(terms))
	for _, term := range terms {
		args := slices.Clone(term)
		args = slices.DeleteFunc(args, func(c dialect.Comparison) bool { // what always holds
			return c.Op == dialect.MaskedEq && c.A == 0
		})
		slices.SortFunc(args, func(x, y dialect.Comparison) int { return int(x.Arg) - int(y.Arg) })
		list = append(list, syscall{[]string{name}, a, args})
	}
	return list
}

// lastCall names the call with the greatest number where it gets the default refusal: calls beyond the greatest that a
// profile names get ENOSYS from runc.
func lastCall(t *policy.Table, rest policy.Action) []syscall {
	if rest.Allows() {
		return nil
	}
	for i := len(t.Calls) - 1; i >= 0; i-- {
		d := &t.Calls[i]
		if d.Name == "" {
			continue
		}
		if len(dialect.Parts(d, rest)) > 0 {
			return nil
		}
		return []syscall{{names: []string{d.Name}, action: rest}}
	}
	return nil
}

// text writes the profile: what hangs on no arguments as a paragraph of names, all else an entry a line.
func (p *profile) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{\n    %s,\n    \"architectures\": [%q],\n    \"syscalls\": [", actionFields(p.rest, "defaultAction",
		"defaultErrnoRet"), p.arch)
	for i, s := range p.syscalls {
		if i > 0 {
			b.WriteByte(',')
		}
		action := actionFields(s.action, "action", "errnoRet")
		switch {
		case len(s.args) == 0 && len(s.names) > 1:
			fmt.Fprintf(&b, "\n        {\n            \"names\": [%s\n            ],\n            %s\n        }",
				paragraph(s.names), action)
		case len(s.args) == 0:
			fmt.Fprintf(&b, "\n        {\"names\": [%q], %s}", s.names[0], action)
		default:
			fmt.Fprintf(&b, "\n        {\"names\": [%q], %s, \"args\": [%s]}", s.names[0], action, comparisons(s.args))
		}
	}
	b.WriteString("\n    ]\n}\n")
	return b.String()
}

// paragraph writes names in lines.
func paragraph(names []string) string {
	const width = 100
	var b strings.Builder
	column := width
	for i, n := range names {
		sep := " "
		if column+len(n)+4 > width {
			sep, column = "\n                ", 16
		}
		fmt.Fprintf(&b, "%s%q", sep, n)
		if column += len(n) + 4; i < len(names)-1 {
			b.WriteByte(',')
		}
	}
	return b.String()
}

func comparisons(args dialect.Term) string {
	list := make([]string, len(args))
	for i, c := range args {
		two := ""
		if c.Op == dialect.MaskedEq {
			two = fmt.Sprintf(`, "valueTwo": %d`, c.B)
		}
		list[i] = fmt.Sprintf(`{"index": %d, "value": %d%s, "op": %q}`, c.Arg, c.A, two, operators[c.Op])
	}
	return strings.Join(list, ", ")
}

// actionFields writes an action and its errno as fields of the profile.
func actionFields(a policy.Action, key, errnoKey string) string {
	name := "SCMP_ACT_KILL_PROCESS"
	switch a.Kind {
	case policy.Allow:
		name = "SCMP_ACT_ALLOW"
	case policy.Log:
		name = "SCMP_ACT_LOG"
	case policy.Errno:
		return fmt.Sprintf(`%q: "SCMP_ACT_ERRNO", %q: %d`, key, errnoKey, a.Errno)
	case policy.Trap:
		name = "SCMP_ACT_TRAP"
	}
	return fmt.Sprintf("%q: %q", key, name)
}
