package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/diff"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// diff prints what the sets allow for one Go release and not for another, or what a policy does that uses them.
func (c *sets) diff(s *streams, args []string) error {
	if len(args) != 2 && len(args) != 3 {
		return shapef("sets diff takes two Go releases, as in: stagelock sets diff 1.24 1.25")
	}
	if c.asJSON || c.counts {
		return shapef("sets diff has no -json and no -count")
	}
	arch, err := c.arch()
	if err != nil {
		return err
	}
	var builds [2]runtimeset.Build
	for i, v := range args[:2] {
		t := c.target
		t.goVersion = v
		if builds[i], err = t.build(arch); err != nil {
			return err
		}
		// Elsewhere a release that is not known gets the nearest sets, and a note. Two of them compared would be alike.
		if builds[i].Note() != "" {
			return wordf("no sets are kept for go%s: there are those of %s", builds[i].Go, strings.Join(runtimeset.Releases(), ", "))
		}
	}
	if len(args) == 3 {
		return diffPolicy(s, arch, builds, args[2])
	}
	return diffSets(s, arch, builds)
}

// diffPolicy prints what the stages of a policy allow for one build and not for another.
func diffPolicy(s *streams, arch *kernel.Arch, builds [2]runtimeset.Build, name string) error {
	f, err := parseFile(s, name)
	if err != nil {
		return err
	}
	var plans [2]*stage.Plan
	for i, b := range builds {
		p, err := policy.Check(f, librarian(arch, b))
		if p == nil {
			return err
		}
		if plans[i], err = stage.New(p, withStandIns(nil)); err != nil {
			return err
		}
	}
	list, err := diff.Plans(plans[0], plans[1])
	if err != nil {
		return err
	}
	r := differences{arches: 1}
	r.add(list, plans[0], plans[1])
	r.print(s)
	if r.wider {
		return errNo
	}
	return nil
}

// diffSets prints what the sets allow for one build and not for another.
func diffSets(s *streams, arch *kernel.Arch, builds [2]runtimeset.Build) error {
	var releases [2][]*policy.Set
	for i, b := range builds {
		var err error
		if releases[i], err = builtins(arch, b); err != nil {
			return err
		}
	}
	wider := false
	for _, name := range setNames(releases[0], releases[1]) {
		changes, err := diff.Tables(tableOf(arch, releases[0], name), tableOf(arch, releases[1], name))
		if err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
		if len(changes) > 0 {
			fmt.Fprintln(s.out, s.style().head("set "+name))
		}
		for i := range changes {
			wider = wider || changes[i].Kind() == diff.Gives
			printSetChange(s, &changes[i], arch)
		}
	}
	if wider {
		return errNo
	}
	return nil
}

// setNames returns the names of the sets that are leaves in one of two releases, in order.
func setNames(releases ...[]*policy.Set) (list []string) {
	for _, all := range releases {
		for _, x := range all {
			if len(x.Rules) > 0 && x.Name != policy.AllSet {
				list = append(list, x.Name)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// tableOf returns what a set by itself allows, without the sets that it uses.
func tableOf(arch *kernel.Arch, all []*policy.Set, name string) *policy.Table {
	refused := policy.Clause{If: policy.Const(true), Action: policy.Action{Kind: policy.Errno, Errno: 1}}
	t := &policy.Table{Arch: arch, Other: refused}
	i := slices.IndexFunc(all, func(x *policy.Set) bool { return x.Name == name })
	if i < 0 {
		return t
	}
	for _, r := range all[i].Rules {
		allowed := policy.Clause{If: r.Allow, Action: policy.Action{Kind: policy.Allow}, Origin: r.Origin}
		if n := len(t.Calls); n > 0 && t.Calls[n-1].Nr == r.Nr {
			last := &t.Calls[n-1]
			last.Clauses = slices.Insert(last.Clauses, len(last.Clauses)-1, allowed)
			continue
		}
		t.Calls = append(t.Calls, policy.Decision{Nr: r.Nr, Name: r.Name, Clauses: []policy.Clause{allowed, refused}})
	}
	return t
}

// printSetChange prints what is given or taken of a call, with the line and the reason.
func printSetChange(s *streams, c *diff.Change, arch *kernel.Arch) {
	st := s.style()
	verb, mark, origins := "gives", st.bad, c.To
	if c.Kind() == diff.Takes {
		verb, mark, origins = "takes", st.good, c.From
	}
	call, _ := arch.CallNr(c.Nr)
	text := c.Name
	if c.If != policy.Const(true) {
		text += ": " + policy.FormatCond(c.If, &call, arch)
	}
	fmt.Fprintf(s.out, "  %s  %s\n", mark(verb), text)
	for _, o := range origins {
		for _, line := range folded(fmt.Sprintf("%s:%d", o.File, o.Line), o.Why) {
			fmt.Fprintf(s.out, "  %*s  %s\n", len(verb), "", st.quiet(strings.TrimRight(line, " ")))
		}
	}
}
