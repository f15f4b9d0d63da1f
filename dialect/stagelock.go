package dialect

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// Format writes what was read as a policy of one stage. Comments say where it comes from and what was approximated.
//
// A process that locks itself with it keeps the floor of the Go runtime as well; where that allows more than the
// source, a note names the calls.
func Format(in *Reading, o Options) (*Written, error) {
	r := &Report{File: in.Source, Approximate: o.Approximate}
	t := in.Table.Whole()
	narrow, changed := narrowed(t, r)
	if len(changed) > 0 {
		r.Notef(rule.Pos{}, "compared in the bits of each argument that the kernel reads, not in all 64: %s", list(changed))
	}
	if t.Other.Action.Allows() {
		r.Notef(rule.Pos{}, "a call that is newer than the tables is refused with ENOSYS, not allowed")
	}
	if err := r.Errs.Err(); err != nil {
		return nil, err
	}
	lib := policy.Target{Arch: t.Arch, Sets: runtimeset.For(runtimeset.Build{Arch: t.Arch.Name, Go: runtimeset.Newest})}
	comments := []string{fmt.Sprintf("Converted from %s (%s) for %s.", filepath.Base(in.Source), in.Dialect, t.Arch.Name)}
	for _, n := range append(slices.Clone(in.Notes), r.Notes...) {
		comments = append(comments, "- "+noteText(n))
	}
	f, err := ruleFile(narrow, lib, comments)
	if err != nil {
		return nil, err
	}
	w := &Written{Text: rule.Format(f), Notes: r.Notes}
	got, floor, err := reread(w.Text, in.Source, lib)
	if err == nil {
		err = Prove(narrow, got, func(nr uint32) bool { return unlisted(t, nr) })
	}
	if err != nil {
		return nil, err
	}
	if wider := widerCalls(narrow, floor); len(wider) > 0 {
		w.Notes = append(w.Notes, policy.Note{File: in.Source, Text: "a process that locks itself keeps what the Go " +
			"runtime needs, which is more than this allows of " + list(wider)})
	}
	return w, nil
}

// unlisted tells whether the tables have no name for a number.
func unlisted(t *policy.Table, nr uint32) bool {
	_, ok := t.Arch.CallNr(nr)
	return !ok
}

// noteText is a note as a line of a comment.
func noteText(n policy.Note) string {
	if n.Pos.Line == 0 {
		return n.Text
	}
	return fmt.Sprintf("line %d: %s", n.Pos.Line, n.Text)
}

// ruleFile writes a table as rules. Where unknown calls are allowed, so is everything, by `use all`, and only what is
// refused is named.
func ruleFile(t *policy.Table, lib policy.Target, comments []string) (*rule.File, error) {
	text, err := policy.FormatTable(shortened(t), policy.TableFormat{Fallbacks: fallbackRules(lib), Comments: comments, Origins: true})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLoss, err)
	}
	f, err := rule.Parse("", []byte(text))
	if err != nil {
		return nil, err
	}
	if !t.Other.Action.Allows() {
		byName(f, fallbackRules(lib))
		return f, nil
	}
	said := make(map[string]*rule.Rule)
	var deny rule.Stmt
	for _, s := range f.Stmts {
		switch s := s.(type) {
		case *rule.Rule:
			said[s.Call.Name] = s
		case *rule.Deny:
			deny = s
		}
	}
	f.Stmts = []rule.Stmt{deny, &rule.Use{Sets: []rule.Name{{Text: policy.AllSet}}}}
	for i := range t.Calls {
		d := &t.Calls[i]
		x, ok := said[d.Name]
		switch n, plain := verdict(x); {
		case d.Name == "":
		case !ok:
			x = &rule.Rule{Call: rule.Call{Name: d.Name}, Verdict: &rule.Number{}}
			if o := d.Clauses[0].Origin; o != nil {
				x.SetNotes(rule.Comments{After: fmt.Sprintf("%s:%d", filepath.Base(o.File), o.Line)})
			}
			f.Stmts = append(f.Stmts, x)
		case !plain || n.Abs == 0 || len(x.Rest().Else) > 0:
			f.Stmts = append(f.Stmts, x)
		}
	}
	return f, nil
}

// byName puts the rules last that are there only so that a call gets the deny, and not an errno of its own.
func byName(f *rule.File, fallbacks []policy.Rule) {
	var last []rule.Stmt
	f.Stmts = slices.DeleteFunc(f.Stmts, func(s rule.Stmt) bool {
		x, ok := s.(*rule.Rule)
		n, plain := verdict(x)
		ok = ok && plain && n.Abs == 0 && len(x.Rest().Else) == 0 &&
			slices.ContainsFunc(fallbacks, func(r policy.Rule) bool { return r.Name == x.Call.Name })
		if ok {
			n := x.Notes()
			n.After = ""
			x.SetNotes(n)
			last = append(last, x)
		}
		return ok
	})
	if len(last) > 0 {
		n := last[0].Notes()
		n.Blank = true
		n.Before = []string{"Refused by name: unnamed, these would get an errno that makes Go or libc take another way."}
		last[0].SetNotes(n)
		f.Stmts = append(f.Stmts, last...)
	}
}

// shortened returns t with origins that name files without their directories.
func shortened(t *policy.Table) *policy.Table {
	s := *t
	s.Calls = slices.Clone(t.Calls)
	short := func(c *policy.Clause) {
		if c.Origin != nil && c.Origin.File != "" {
			o, source := *c.Origin, *c.Origin.Source
			source.File = filepath.Base(source.File)
			o.Source = &source
			c.Origin = &o
		}
	}
	for i := range s.Calls {
		s.Calls[i].Clauses = slices.Clone(s.Calls[i].Clauses)
		for j := range s.Calls[i].Clauses {
			short(&s.Calls[i].Clauses[j])
		}
	}
	return &s
}

// verdict returns the plain verdict of a rule.
func verdict(x *rule.Rule) (n *rule.Number, plain bool) {
	if x == nil {
		return nil, false
	}
	n, plain = x.Verdict.(*rule.Number)
	return n, plain
}

// fallbackRules returns the calls for which Go or libc have another way: to get the stage's deny they have to be
// refused by name.
func fallbackRules(lib policy.Target) []policy.Rule {
	f, err := rule.Parse("", []byte("deny errno(EPERM)"))
	if err != nil {
		return nil
	}
	p, err := policy.Check(f, lib)
	if err != nil {
		return nil
	}
	return p.Fallbacks
}

// reread returns what a text means without the floor, and with it.
func reread(text, name string, lib policy.Target) (bare, floor *policy.Table, err error) {
	f, err := rule.Parse(name, []byte(text))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	p, err := policy.Check(f, lib)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	with, err := stage.New(p, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	p.NoFloor, p.Deferred = true, true
	without, err := stage.New(p, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return without.Stages[0].Table, with.Stages[0].Table, nil
}

// widerCalls returns the calls of which b allows more than a.
func widerCalls(a, b *policy.Table) []string {
	var names []string
	for i := range a.Calls {
		one := policy.Table{Arch: a.Arch, Calls: a.Calls[i : i+1], Other: a.Other, Foreign: a.Foreign}
		d, ok := b.Find(a.Calls[i].Nr)
		if !ok {
			continue
		}
		other := policy.Table{Arch: a.Arch, Calls: []policy.Decision{*d}, Other: a.Other, Foreign: a.Foreign}
		if Prove(&one, &other, func(uint32) bool { return true }) != nil {
			names = append(names, a.Calls[i].Name)
		}
	}
	return names
}

// Check reads a policy text for an architecture, with the sets of the newest Go release. It is the inverse of Format:
// the table is that of the last stage, without the floor.
func Check(name, text string, o Options) (*Reading, error) {
	arch, err := o.Lookup()
	if err != nil {
		return nil, err
	}
	lib := policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Build{Arch: arch.Name, Go: runtimeset.Newest})}
	bare, _, err := reread(text, name, lib)
	if err != nil {
		return nil, err
	}
	return &Reading{Source: name, Dialect: "stagelock", Table: bare}, nil
}
