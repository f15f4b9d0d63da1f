package runtimeset

import (
	"fmt"
	"go/build/constraint"
	"strings"

	"github.com/stagelock/seccomp/rule"
)

// constrained begins the comment that makes a paragraph one for certain builds only.
const constrained = "go:build "

// choose takes the paragraphs out of f that are not for b. A paragraph ends at an empty line.
func (b Build) choose(f *rule.File) error {
	kept := f.Stmts[:0]
	here := true
	for _, x := range f.Stmts {
		notes := x.Notes()
		here = here || notes.Blank
		for _, line := range notes.Before {
			expr, ok := strings.CutPrefix(line, constrained)
			switch {
			case line == "":
				here = true
			case ok:
				parsed, err := constraint.Parse("//go:build " + expr)
				if err != nil {
					return fmt.Errorf("%s:%d: %q: %w", f.Name, x.Start().Line, line, err)
				}
				here = parsed.Eval(b.has)
			}
		}
		if here {
			kept = append(kept, x)
		}
	}
	f.Stmts = kept
	return nil
}
