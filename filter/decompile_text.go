package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// maxListings is how many calls one Unsaid has listings for.
const maxListings = 4

// shortRemark is how long a remark may be to stand behind its rule, in bytes.
const shortRemark = 40

// text decides about all calls and writes them down.
func (b *abiBuilder) text(deny policy.Action) string {
	b.clauses(deny)
	all := b.mostlyAllowed()
	o := policy.TableFormat{Stage: b.options.Stage, Deferred: true}
	switch {
	case all:
		for i := range b.table.Calls { // said in full, so that none is left to `use all`
			o.Fallbacks = append(o.Fallbacks, policy.Rule{Nr: b.table.Calls[i].Nr})
		}
	case b.options.Fallbacks != nil:
		o.Fallbacks = b.options.Fallbacks(b.arch)
	}
	for i := range b.table.Calls { // a number that the tables don't have gets ENOSYS where it isn't mentioned
		if d := &b.table.Calls[i]; d.Name == "" {
			o.Fallbacks = append(o.Fallbacks, policy.Rule{Nr: d.Nr})
		}
	}
	f, err := policy.TableFile(b.table, o)
	if err != nil {
		b.unsaid(Unsaid{Kind: UnsaidCondition, Arch: b.arch, What: err.Error()})
	}
	b.arrange(f, all)
	b.comment(f)
	return rule.Format(f)
}

// clauses gives all calls their clauses, and tells what they leave unsaid.
func (b *abiBuilder) clauses(deny policy.Action) {
	type group struct {
		kind UnsaidKind
		what string
	}
	groups := make(map[group]*Unsaid)
	var order []*Unsaid
	for i := range b.table.Calls {
		d := &b.table.Calls[i]
		s := b.said[d.Nr]
		list, ok := b.clausesOf(&s, deny)
		if !ok {
			list = []policy.Clause{{If: policy.Const(true), Action: b.strictest(d.Nr)}}
			s.remarks = append(s.remarks, remark{UnsaidCondition, "a condition too long to say: the strictest that may come of it"})
		}
		d.Clauses = list
		var whats []string
		for _, r := range s.remarks {
			whats = append(whats, r.what)
			g := group(r)
			u := groups[g]
			if u == nil {
				u = &Unsaid{Kind: r.kind, Arch: b.arch, What: r.what}
				groups[g] = u
				order = append(order, u)
			}
			u.Calls = append(u.Calls, callText(d))
			if len(u.Calls) <= maxListings {
				if text := b.listingOf(follow(b.d, b.node, policy.NrVar, d.Nr), &d.Nr); !strings.Contains(u.Listing, text) {
					u.Listing += text
				}
			}
		}
		b.remarks[d.Nr] = strings.Join(whats, "; ")
	}
	for _, u := range order {
		b.unsaid(*u)
	}
}

// maxWords bounds the conditions of all calls of an architecture together, in the lengths of phrases.
const maxWords = 20000

// clausesOf returns the clauses of one call; ok is false where they would be too long.
func (b *abiBuilder) clausesOf(s *said, deny policy.Action) (list []policy.Clause, ok bool) {
	if b.words > maxWords {
		return nil, false
	}
	p := newPhraser(s.d, s.types)
	list, ok = p.clauses(s.node, deny)
	b.words += p.length
	return list, ok
}

// strictest returns the strictest that a call can get.
func (b *abiBuilder) strictest(nr uint32) policy.Action {
	list := b.d.Results(follow(b.d, b.node, policy.NrVar, nr))
	ret := list[0]
	for _, x := range list[1:] {
		ret = Stricter(ret, x)
	}
	a, _ := nearest(ret, b.arch)
	return a
}

// mostlyAllowed tells whether the refused calls are the shorter list.
func (b *abiBuilder) mostlyAllowed() bool {
	n := 0
	for i := range b.table.Calls {
		if d := &b.table.Calls[i]; allowsAlways(d) && d.Name != "" {
			n++
		}
	}
	return n > len(b.table.Calls)/2
}

func allowsAlways(d *policy.Decision) bool {
	return d.Clauses[0].Action.Kind == policy.Allow && d.Clauses[0].If == policy.Const(true)
}

// arrange puts the rules of a policy in groups: what is allowed, what is allowed for some arguments, what is refused in
// another way than the deny does. all says the first in one word.
func (b *abiBuilder) arrange(f *rule.File, all bool) {
	groups := []struct {
		title string
		rules []rule.Stmt
	}{{title: "allowed"}, {title: "allowed for some arguments"}, {title: "refused"}}
	var head []rule.Stmt
	plain := 0
	for _, s := range f.Stmts {
		r, ok := s.(*rule.Rule)
		if !ok || r.Call.Name == rule.OnNextSyscall {
			head = append(head, s)
			continue
		}
		nr := b.number(&r.Call)
		notes := r.Notes()
		if what := b.remarks[nr]; len(what) <= shortRemark {
			notes.After = what
		} else {
			notes.Before = wrapped(what)
		}
		r.SetNotes(notes)
		n, constant := r.Verdict.(*rule.Number)
		switch {
		case !constant:
			groups[1].rules = append(groups[1].rules, r)
		case n.Abs == 0:
			groups[2].rules = append(groups[2].rules, r)
		case all && r.Call.Nr == nil && b.remarks[nr] == "":
			plain++
		default:
			groups[0].rules = append(groups[0].rules, r)
		}
	}
	if all {
		use := &rule.Use{Sets: []rule.Name{{Text: policy.AllSet}}}
		use.SetNotes(rule.Comments{After: fmt.Sprintf("%d of %d calls are allowed, whatever their arguments", plain, b.arch.Len())})
		head = append(head, use)
	}
	f.Stmts = head
	for _, g := range groups {
		if len(g.rules) == 0 {
			continue
		}
		c := g.rules[0].Notes()
		title := []string{g.title}
		if len(c.Before) > 0 {
			title = append(title, "")
		}
		c.Blank, c.Before = true, append(title, c.Before...)
		g.rules[0].SetNotes(c)
		f.Stmts = append(f.Stmts, g.rules...)
	}
}

// number returns the number of the call that a rule of the text is about.
func (b *abiBuilder) number(c *rule.Call) uint32 {
	if c.Nr != nil {
		return uint32(c.Nr.Abs)
	}
	call, _ := b.arch.Call(c.Name)
	return call.Nr
}

// comment tells on top of a policy what it is about and what it leaves unsaid, and lists at its end the instructions
// of which more is to be known.
func (b *abiBuilder) comment(f *rule.File) {
	written := make(map[string]bool)
	for _, s := range f.Stmts {
		if r, ok := s.(*rule.Rule); ok {
			written[r.Call.Name] = true
			if r.Call.Nr != nil {
				written[fmt.Sprintf("nr(%d)", r.Call.Nr.Abs)] = true
			}
		}
	}
	top := []string{fmt.Sprintf("%s: what %s", b.arch.Name, b.count())}
	for _, u := range b.out.Unsaid {
		if u.Arch != b.arch {
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(u.Calls), func(name string) bool { return written[name] })
		switch {
		case u.Calls == nil:
			top = append(top, wrapped("not said: "+u.What)...)
		case u.Kind == UnsaidForeign:
			top = append(top, wrapped(fmt.Sprintf("not said: %s: %s", named(u.Calls), u.What))...)
		case len(rest) > 0:
			top = append(top, wrapped(fmt.Sprintf("not said: %s: %s", named(rest), u.What))...)
		}
		if u.Listing != "" && u.Kind != UnsaidBits {
			f.Trailing = append(f.Trailing, "", u.What+":")
			for _, line := range strings.Split(strings.TrimSuffix(u.Listing, "\n"), "\n") {
				f.Trailing = append(f.Trailing, "  "+line)
			}
		}
	}
	first := f.Stmts[0].Notes()
	first.Before = top
	f.Stmts[0].SetNotes(first)
}

func (b *abiBuilder) count() string {
	if len(b.programs) == 1 {
		return "one filter allows"
	}
	return fmt.Sprintf("%d filters together allow", len(b.programs))
}

// named lists calls, many by their number.
func named(calls []string) string {
	const many = 12
	if len(calls) > many {
		return fmt.Sprintf("%d calls (%s, …)", len(calls), strings.Join(calls[:maxNamed], ", "))
	}
	return strings.Join(calls, ", ")
}

// wrapped breaks a comment into lines.
func wrapped(text string) (lines []string) {
	const width = 100
	line := ""
	for _, w := range strings.Fields(text) {
		if line != "" && len(line)+1+len(w) > width {
			lines = append(lines, line)
			line = "  " + w
			continue
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	return append(lines, line)
}
