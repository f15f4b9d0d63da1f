package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
)

func newSets() *command {
	return &command{
		name:     "sets",
		synopsis: "[-arch A] [-go V] [-cgo] [-json | -count] [NAME | diff V V [FILE]]",
		brief:    "show the built-in sets that a policy can use",
		help: `
Without NAME: a line for each set. With NAME: its parts, and every call with the condition it is allowed under and
the reason. Sets differ with the architecture, the Go release and cgo.

-count tells how much they leave open: the number of calls, how many of them are allowed whatever their arguments, and
of the others which part of all that their arguments could be.

diff tells what the sets allow for one Go release and not for another: what an upgrade gives and takes. With a policy
behind it, it tells that of each of its stages. The exit code is 1 if anything is given.`,
		action: new(sets),
	}
}

// A sets is the command `sets`.
type sets struct {
	target
	asJSON, counts bool
}

func (c *sets) flags(fs *flag.FlagSet) {
	c.target.flags(fs)
	fs.BoolVar(&c.asJSON, "json", false, "print {set, go, arch, doc, calls: [{name, nr, rule, share, why, leaf}]}; without NAME a list of these;\nshare is the part of all arguments that the rule allows")
	fs.BoolVar(&c.counts, "count", false, "print how much the sets leave open")
}

func (c *sets) run(s *streams, args []string) error {
	if len(args) > 0 && args[0] == "diff" {
		return c.diff(s, args[1:])
	}
	if len(args) > 1 {
		return shapef("one NAME at most is wanted, not %d", len(args))
	}
	arch, err := c.arch()
	if err != nil {
		return err
	}
	b, err := c.build(arch)
	if err != nil {
		return err
	}
	noteRelease(s, b)
	all, err := builtins(arch, b)
	if err != nil {
		return err
	}
	one := len(args) == 1
	if one {
		i := slices.IndexFunc(all, func(x *policy.Set) bool { return x.Name == args[0] })
		if i < 0 {
			return wordf("unknown set %q%s", args[0], rule.DidYouMean(args[0], names(all)))
		}
		all = all[i : i+1]
	}
	switch {
	case c.counts && c.asJSON:
		return shapef("-count and -json exclude each other")
	case c.counts:
		return printCounts(s, all)
	case c.asJSON:
		list := make([]setJSON, len(all))
		for i, x := range all {
			if list[i], err = toJSON(x, arch, b); err != nil {
				return err
			}
		}
		if one {
			return encode(s, list[0])
		}
		return encode(s, list)
	case one:
		printSet(s, all[0], arch)
	default:
		printSets(s, all)
	}
	return nil
}

// builtins returns all built-in sets, by name, as package policy reads them.
func builtins(arch *kernel.Arch, b runtimeset.Build) ([]*policy.Set, error) {
	lib := runtimeset.For(b)
	used := slices.DeleteFunc(append(lib.Names(), policy.AllSet), func(name string) bool {
		return name == policy.FloorSet || name == policy.LockSet
	})
	f, err := rule.Parse("sets", "use "+strings.Join(used, ", "))
	if err != nil {
		return nil, err
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: lib})
	if err != nil {
		return nil, err
	}
	all := []*policy.Set{p.Floor, p.Lock}
	for _, step := range p.Stages[0].Steps {
		all = append(all, step.Sets...)
	}
	all = slices.DeleteFunc(all, func(x *policy.Set) bool { return x == nil })
	slices.SortFunc(all, func(x, y *policy.Set) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}

func names(all []*policy.Set) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, x := range all {
			if !yield(x.Name) {
				return
			}
		}
	}
}

// printSets prints a line for each set.
func printSets(s *streams, all []*policy.Set) {
	rows, st := columns{}, s.style()
	for _, x := range all {
		rows.row(cell{x.Name, st.head}, cell{text: x.Doc})
	}
	fmt.Fprint(s.out, rows.String())
}

// printSet prints a set with its leaves.
func printSet(s *streams, set *policy.Set, arch *kernel.Arch) {
	st := s.style()
	fmt.Fprintf(s.out, "%s: %s\n", st.head(set.Name), set.Doc)
	for leaf := range set.Leaves {
		indent := "  "
		if leaf != set {
			fmt.Fprintf(s.out, "\n  %s: %s\n", st.head(leaf.Name), leaf.Doc)
			indent = "    "
		} else {
			fmt.Fprintln(s.out)
		}
		rows := columns{indent: indent}
		for i := range leaf.Rules {
			r := &leaf.Rules[i]
			text := ruleText(r, arch)
			if text == "1" {
				text = ""
			}
			reason := ""
			if r.Origin.Why != "" {
				reason = "# " + r.Origin.Why
			}
			rows.row(cell{text: r.Name}, cell{text: text}, cell{reason, st.quiet})
		}
		fmt.Fprint(s.out, rows.String())
	}
}

// ruleText returns what a rule allows, as the language says it.
func ruleText(r *policy.Rule, arch *kernel.Arch) string {
	var call *kernel.Call
	if c, ok := arch.CallNr(r.Nr); ok {
		call = &c
	}
	return policy.FormatCond(r.Allow, call, arch)
}

// A setJSON is a set as `sets -json` prints it.
type setJSON struct {
	Set   string     `json:"set"`
	Go    string     `json:"go"`
	Cgo   bool       `json:"cgo"`
	Arch  string     `json:"arch"`
	Doc   string     `json:"doc"`
	Calls []callJSON `json:"calls"`
}

type callJSON struct {
	Name  string  `json:"name"`
	Nr    uint32  `json:"nr"`
	Rule  string  `json:"rule"`  // as in a policy: 1, or a condition
	Share float64 `json:"share"` // of all that the arguments could be, the part that the rule allows
	Why   string  `json:"why"`
	Leaf  string  `json:"leaf"` // the part of the set that says it
}

func toJSON(set *policy.Set, arch *kernel.Arch, b runtimeset.Build) (setJSON, error) {
	x := setJSON{Set: set.Name, Go: b.Go, Cgo: b.Cgo, Arch: arch.Name, Doc: set.Doc, Calls: []callJSON{}}
	for leaf := range set.Leaves {
		for i := range leaf.Rules {
			r := &leaf.Rules[i]
			share, err := policy.Share(r.Allow)
			if err != nil {
				return x, fmt.Errorf("set %s, call %s: %w", set.Name, r.Name, err)
			}
			x.Calls = append(x.Calls, callJSON{r.Name, r.Nr, ruleText(r, arch), share, r.Origin.Why, leaf.Name})
		}
	}
	return x, nil
}

// encode prints a value as JSON, with its operators as they are.
func encode(s *streams, v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
