package beats

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// Write writes a table as the seccomp setting of a Beat's configuration, in YAML.
func Write(in *dialect.Reading, o dialect.Options) (*dialect.Written, error) {
	r := &dialect.Report{File: in.Source, Approximate: o.Approximate}
	t := in.Table.Whole()
	if !slices.Contains(arches, t.Arch.Name) {
		r.Errorf(dialect.ErrLoss, rule.Pos{}, "elastic/go-seccomp-bpf has no tables for %s, but for %s", t.Arch.Name,
			strings.Join(arches, ", "))
		return nil, r.Errs.Err()
	}
	w := &writer{Report: r, arch: t.Arch, loose: make(map[uint32]bool), always: make(map[string][]string),
		some: make(map[string][]conditional)}
	rest := dialect.Rest(t)
	if _, exact := actionName(rest); !exact {
		rest.Errno = eperm
	}
	for i := range t.Calls {
		w.call(&t.Calls[i], rest)
	}
	w.LoseFallbacks(w.fallbacks, "the only errno of a Beat is EPERM", "they get what others get")
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	if len(w.some)+len(w.last) > 0 {
		r.Notef(rule.Pos{}, "elastic/go-seccomp-bpf 1.6.0 compiles conditions on arguments wrongly: once one has failed, it "+
			"compares the argument with the numbers of further calls")
	}
	text := w.text(in, rest)
	again, err := Read(in.Source, []byte(text), dialect.Options{Arch: t.Arch.Name})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", dialect.ErrProof, err)
	}
	out := &dialect.Written{Text: text, Notes: r.Notes}
	return out, dialect.Prove(t, again.Table, func(nr uint32) bool { return w.loose[nr] })
}

type writer struct {
	*dialect.Report
	arch      *kernel.Arch
	loose     map[uint32]bool
	fallbacks []string                 // calls whose errnos are lost
	always    map[string][]string      // names by action
	some      map[string][]conditional // by action
	last      []group                  // in order
}

// A group is about one call. Without terms it is unconditional.
type group struct {
	action, name string
	terms        []dialect.Term
}

// A conditional is a call with a condition.
type conditional struct {
	name string
	term dialect.Term
}

// call sorts what a call gets into groups.
func (w *writer) call(d *policy.Decision, rest policy.Action) {
	if d.Name == "" {
		w.nameless(d, rest)
		return
	}
	d, had := dialect.WithoutFallbacks(d)
	if had {
		w.loose[d.Nr] = true
		w.fallbacks = append(w.fallbacks, d.Name)
	}
	plain := *d
	plain.Clauses = slices.Clone(d.Clauses)
	told := make(map[policy.Action]bool)
	for i, c := range plain.Clauses {
		if _, exact := actionName(c.Action); exact {
			continue
		}
		w.loose[d.Nr] = true
		plain.Clauses[i].Action.Errno = eperm
		if dialect.Newer(d) || told[c.Action] {
			continue
		}
		told[c.Action] = true
		w.LossOf(c.Origin, fmt.Sprintf("%s gets %s, and the only errno of a Beat is EPERM", d.Name, c.Action.Text(w.arch)),
			"it gets EPERM")
	}
	if w.inOrder(&plain, rest) {
		return
	}
	parts, exact := dialect.Speakable(w.Report, &plain, rest, dialect.FreeTerms)
	if !exact {
		w.loose[d.Nr] = true
	}
	for _, part := range parts {
		name, _ := actionName(part.Action)
		if part.If == policy.Const(true) {
			w.always[name] = append(w.always[name], d.Name)
			continue
		}
		for _, term := range part.Terms {
			w.some[name] = append(w.some[name], conditional{d.Name, term})
		}
	}
}

// inOrder writes the clauses of a call as groups of their own, of which the first that holds is it: for a call whose
// conditions can't be told apart by actions. It is false for others, and where that can't be either.
func (w *writer) inOrder(d *policy.Decision, rest policy.Action) bool {
	if !slices.ContainsFunc(dialect.Parts(d, rest), func(p dialect.Part) bool {
		_, err := dialect.FreeTerms(p.If)
		return err != nil
	}) {
		return false
	}
	var groups []group
	for _, c := range d.Clauses {
		name, _ := actionName(c.Action)
		if c.If == policy.Const(true) {
			if c.Action != rest {
				groups = append(groups, group{action: name, name: d.Name})
			}
			break
		}
		terms, err := dialect.FreeTerms(c.If)
		if err != nil {
			return false
		}
		if len(terms) > 0 {
			groups = append(groups, group{name, d.Name, terms})
		}
	}
	w.last = append(w.last, groups...)
	return true
}

func (w *writer) nameless(d *policy.Decision, rest policy.Action) {
	if slices.ContainsFunc(d.Clauses, func(c policy.Clause) bool { return c.Action != rest }) {
		w.loose[d.Nr] = true
		w.LossOf(d.Clauses[0].Origin, dialect.CallText(d)+" has no name, and a Beat knows names only",
			"it gets what calls get that aren't named")
	}
}

// text writes the YAML, what has conditions last.
func (w *writer) text(in *dialect.Reading, rest policy.Action) string {
	var b strings.Builder
	name, _ := actionName(rest)
	fmt.Fprintf(&b, "# Converted from %s (%s) for %s.\n", filepath.Base(in.Source), in.Dialect, in.Table.Arch.Name)
	for _, n := range append(slices.Clone(in.Notes), w.Notes...) {
		fmt.Fprintf(&b, "# - %s\n", strings.ReplaceAll(n.Text, "\n", " "))
	}
	fmt.Fprintf(&b, "seccomp:\n  default_action: %s\n  syscalls:\n", name)
	if len(w.always)+len(w.some)+len(w.last) == 0 { // elastic wants a group
		_, first := w.arch.NameAt(0)
		fmt.Fprintf(&b, "  - action: %s\n    names:\n    - %s\n", name, first)
	}
	for i := len(actions) - 1; i >= 0; i-- {
		if names := w.always[actions[i]]; len(names) > 0 {
			slices.Sort(names)
			fmt.Fprintf(&b, "  - action: %s\n    names:\n", actions[i])
			for _, n := range names {
				fmt.Fprintf(&b, "    - %s\n", n)
			}
		}
	}
	for _, action := range actions {
		if list := w.some[action]; len(list) > 0 {
			fmt.Fprintf(&b, "  - action: %s\n    names_with_args:\n", action)
			for _, c := range list {
				conditions(&b, c.name, c.term)
			}
		}
	}
	for _, g := range w.last {
		if len(g.terms) == 0 {
			fmt.Fprintf(&b, "  - action: %s\n    names:\n    - %s\n", g.action, g.name)
			continue
		}
		fmt.Fprintf(&b, "  - action: %s\n    names_with_args:\n", g.action)
		for _, term := range g.terms {
			conditions(&b, g.name, term)
		}
	}
	return b.String()
}

// conditions writes an entry of names_with_args.
func conditions(b *strings.Builder, name string, term dialect.Term) {
	fmt.Fprintf(b, "    - name: %s\n      arguments:\n", name)
	for _, line := range arguments(term) {
		fmt.Fprintf(b, "      - %s\n", line)
	}
}

// arguments writes a term. A masked comparison takes several conditions: no bit that has to be 0 is set, and each that
// has to be 1 is.
func arguments(term dialect.Term) []string {
	var lines []string
	add := func(arg uint8, operation int, v uint64) {
		value := fmt.Sprint(v)
		if v > 9 {
			value = fmt.Sprintf("%#x", v)
		}
		lines = append(lines, fmt.Sprintf("{argument: %d, operation: %s, value: %s}", arg, operations[operation], value))
	}
	for _, c := range term {
		if c.Op == dialect.AnyBit {
			add(c.Arg, bitsSet, c.A)
			continue
		}
		if c.Op != dialect.MaskedEq {
			add(c.Arg, int(c.Op), c.A)
			continue
		}
		if zero := c.A &^ c.B; zero != 0 || c.B == 0 {
			add(c.Arg, bitsNotSet, zero)
		}
		for b := c.B; b != 0; b &= b - 1 {
			add(c.Arg, bitsSet, b&-b)
		}
	}
	return lines
}
