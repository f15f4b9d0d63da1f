package runtimeset

import (
	"fmt"
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
				c := expression{rest: expr, has: b.has}
				if here = c.or(); c.wrong || c.rest != "" {
					return fmt.Errorf("%s:%d: %q is no build constraint", f.Name, x.Start().Line, line)
				}
			}
		}
		if here {
			kept = append(kept, x)
		}
	}
	f.Stmts = kept
	return nil
}

// An expression is evaluated while it is read: right if in the end nothing is wrong and nothing is left.
//
// This is the language of go/build/constraint, which would bring its parser of another, older one into every program.
type expression struct {
	rest  string
	wrong bool
	has   func(tag string) bool
}

func (c *expression) or() bool {
	v := c.and()
	for c.takes("||") {
		w := c.and() // read in any case
		v = v || w
	}
	return v
}

func (c *expression) and() bool {
	v := c.not()
	for c.takes("&&") {
		w := c.not()
		v = v && w
	}
	return v
}

func (c *expression) not() bool {
	switch {
	case c.takes("!"):
		return !c.not()
	case c.takes("("):
		v := c.or()
		c.wrong = c.wrong || !c.takes(")")
		return v
	}
	tag := c.rest
	if end := strings.IndexAny(tag, " !&|()"); end >= 0 {
		tag = tag[:end]
	}
	c.wrong = c.wrong || tag == ""
	c.rest = c.rest[len(tag):]
	return c.has(tag)
}

// takes takes a word off the rest, if it comes next, with the blanks around it.
func (c *expression) takes(word string) (ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(c.rest, " "), word)
	if ok {
		c.rest = strings.TrimLeft(rest, " ")
	}
	return ok
}
