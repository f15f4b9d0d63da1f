package seccomp

import (
	"slices"
	"strings"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// Words are what a program needs beyond the built-in stages if it says something itself, by Declare, Use or Rules. The
// linker leaves out of all others what lies behind these functions, and them alone: the parser, the checker, the names
// of the kernel's constants, and what a trap takes. They are no interface: whatever the methods behind one are about
// would keep its own methods, which fmt might ask for, down to how a time is written.
type words struct {
	// compose returns the policy that is followed, nil if handles say it all, with what handles say, in the order in
	// which they were locked. text is as it was written.
	compose func(base *policy.Policy, text string, handles []*Handle) (*policy.Policy, error)
	// plan puts the stages of that policy in order.
	plan func(p *policy.Policy, env stage.Env) (*stage.Plan, error)
	// source returns that policy as it was written.
	source func(base *policy.Policy, text string, handles []*Handle) string
	// compile compiles a table.
	compile func(t *policy.Table) ([]*filter.Program, error)
	// sayTraps prepares that the first call which what was compiled so far traps is told. The stage is the one that
	// comes into force, all of it.
	sayTraps func(stage *policy.Table, pid uint64) error
	// didYouMean is the end of a message about an unknown word.
	didYouMean func(word string, known []string) string
}

// spoken is what words work with.
type spoken struct {
	base     *rule.File // the declared policy, or, once a handle says something about it, the default one
	declared bool       // it is the program's own
	traps    traps
}

func newWords() *words { return wordsAbout(nil) }

// wordsAbout returns the words of a program that declared base; nil: none.
func wordsAbout(base *rule.File) *words {
	s := &spoken{base: base, declared: base != nil}
	return &words{s.compose, stage.New, s.source, s.traps.compile, s.traps.say, didYouMean}
}

func (s *spoken) compose(base *policy.Policy, text string, handles []*Handle) (*policy.Policy, error) {
	if s.base == nil && base != nil {
		f, err := rule.Parse("the built-in "+base.Name, text)
		if err != nil {
			panic("seccomp: bug: the default policy: " + err.Error())
		}
		s.base = f
	}
	var f *rule.File
	switch {
	case s.declared:
		f = narrowed(s.base, handles)
	case base != nil:
		f = followed(s.base, handles)
	default:
		f = composed(handles)
	}
	p, err := check(f)
	if err != nil {
		return nil, err
	}
	p.Open = !s.declared && p.Stages[len(p.Stages)-1].File != f.Name // more may be said in code
	return p, nil
}

// check gives a policy its meaning for this program. Mistakes are left in it for stage.New, which tells all there are.
func check(f *rule.File) (*policy.Policy, error) {
	arch := kernel.Native()
	if arch == nil {
		return nil, errArch
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.Native(runtimeset.Running())})
	switch {
	case p == nil:
		return nil, err
	case err == nil && p.Deferred:
		return nil, ErrDeferred
	}
	return p, nil
}

func (s *spoken) source(base *policy.Policy, text string, handles []*Handle) string {
	var b strings.Builder
	b.WriteString(text)
	if len(text) > 0 && !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	for i, h := range handles {
		// In a policy of its own a stage can't stand twice: what narrows one is told, not declared.
		indent, verb := "    ", "only"
		if base == nil {
			b.WriteString("stage " + h.name + "\n")
			if i == 0 {
				verb = "use"
			}
		} else {
			b.WriteString("# " + h.String() + " in code")
			if !s.declared && len(h.sets) > 0 {
				b.WriteString(", in place of a built-in stage of that name that was not in force")
			}
			b.WriteString(":\n")
			indent = "#   "
		}
		if len(h.sets) > 0 {
			b.WriteString(indent + verb + " " + strings.Join(h.sets, ", ") + "\n")
		}
		for _, said := range h.text {
			for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
				b.WriteString(indent + line + "\n")
			}
		}
	}
	return b.String()
}

func didYouMean(word string, known []string) string {
	return rule.DidYouMean(word, slices.Values(known))
}
