package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

func newCompile() *command {
	return &command{
		name:     "compile",
		synopsis: "[-stage S] [-from STAGE] [-arch A] [-go V] [-cgo] [-env NAME=N,…] [-format asm|raw|c|go|json] FILE",
		brief:    "print the filter of a stage",
		help: `
It is the filter that has the stage's whole effect where nothing is in force yet. With -from it is what the stage adds
where STAGE is in force already.

The formats: asm, a listing in the kernel's assembly language (the default); raw, an array of struct sock_filter in
the byte order of the architecture; c and go, the same as source; json.

The shapes of built-in sets that rest on what only the process itself knows, such as its pid, stay open without -env;
a rule of the policy that does needs -env. Where a policy is so large that it takes several programs, all have to be
installed, in any order; raw can't hold them.`,
		action: new(compile),
	}
}

// A compile is the command `compile`.
type compile struct {
	target
	envFlag
	stage  string
	from   string
	format string
}

func (c *compile) flags(fs *flag.FlagSet) {
	c.target.flags(fs)
	c.envFlag.flag(fs)
	fs.StringVar(&c.stage, "stage", "", "the stage `S`; without it the last one")
	fs.StringVar(&c.from, "from", "", "what S adds upon the earlier `STAGE`")
	fs.StringVar(&c.format, "format", "asm", "the `FORMAT`: asm, raw, c, go or json; without it asm")
}

// formats are the ways to print a filter.
var formats = [...]string{"asm", "c", "go", "json", "raw"}

func (c *compile) run(s *streams, args []string) error {
	if len(args) != 1 {
		return shapef("one FILE is wanted, not %d", len(args))
	}
	if !slices.Contains(formats[:], c.format) {
		return wordf("unknown format %q%s", c.format, orList(c.format, formats[:]))
	}
	if c.format == "raw" && s.terminal {
		return wordf("raw is binary, and no good on a terminal: redirect it into a file")
	}
	p, err := c.plan(s, args[0], c.env)
	if err != nil {
		return err
	}
	out, err := c.output(p)
	if err != nil {
		return err
	}
	c.noteOpen(s, p, out)
	switch c.format {
	case "raw":
		return out.raw(s.out)
	case "c":
		out.c(s.out)
	case "go":
		return out.golang(s.out)
	case "json":
		return out.json(s.out)
	default:
		out.asm(s.out)
	}
	return nil
}

// An output is a compiled filter with its circumstances.
type output struct {
	policy string
	stage  string
	from   string // empty: from nothing
	table  *policy.Table
	progs  []*filter.Program
}

// output compiles what the flags say.
func (c *compile) output(p *stage.Plan) (*output, error) {
	to, err := stageOf(p, c.stage)
	if err != nil {
		return nil, err
	}
	from := -1
	if c.from != "" {
		if from, err = stageOf(p, c.from); err != nil {
			return nil, err
		}
		if from >= to {
			return nil, wordf("-from %s: stage %s does not come before stage %s", c.from, c.from, p.Stages[to].Name)
		}
	}
	out := &output{policy: p.Policy.Name, stage: p.Stages[to].Name, from: c.from, table: p.Filter(from, to)}
	if names := missing(out.table); len(names) > 0 {
		return nil, wordf("the policy compares with what only the process itself knows: %s", sayEnv(names))
	}
	out.progs, err = filter.Compile(out.table, filter.Options{})
	if err == nil {
		err = filter.Verify(out.table, out.progs...)
	}
	if err != nil {
		return nil, inStage(p, to, err)
	}
	return out, nil
}

// noteOpen says which shapes of built-in sets stay open.
func (c *compile) noteOpen(s *streams, p *stage.Plan, out *output) {
	k, _ := p.Index(out.stage)
	var open []string
	for i := range out.table.Calls {
		for _, name := range p.Stages[k].Symbols(out.table.Calls[i].Nr) {
			if _, given := c.env[name]; !given && !slices.Contains(open, name) {
				open = append(open, name)
			}
		}
	}
	if len(open) > 0 {
		slices.Sort(open)
		s.complain("note: shapes that rest on %s stay open; to bind them, %s", strings.Join(open, " and "), sayEnv(open))
	}
}

// title says what the filter is, in a line.
func (o *output) title() string {
	text := fmt.Sprintf("stage %s of %s on %s", o.stage, o.policy, o.table.Arch.Name)
	if o.from != "" {
		text += ", upon stage " + o.from
	}
	return text
}

// orList is the end of a message about an unknown word: the nearest right one, or all.
func orList(word string, words []string) string {
	if near := rule.DidYouMean(word, slices.Values(words)); near != "" {
		return near
	}
	return ": there are " + strings.Join(words, ", ")
}
