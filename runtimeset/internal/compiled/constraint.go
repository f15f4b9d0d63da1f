package compiled

import (
	"strings"

	"github.com/stagelock/seccomp/rule"
)

// constrained begins the comment that makes a paragraph one for certain builds only.
const constrained = "go:build "

// Constraints returns what stands over the paragraph of each statement of f, empty where nothing does. A paragraph ends
// at an empty line.
func Constraints(f *rule.File) []string {
	list := make([]string, len(f.Stmts))
	here := ""
	for i, x := range f.Stmts {
		notes := x.Notes()
		if notes.Blank {
			here = ""
		}
		for _, line := range notes.Before {
			if expr, ok := strings.CutPrefix(line, constrained); ok {
				here = expr
			} else if line == "" {
				here = ""
			}
		}
		list[i] = here
	}
	return list
}

// Holds evaluates a constraint; ok is false if it is none. has tells what tags are true.
func Holds(constraint string, has func(tag string) bool) (value, ok bool) {
	if constraint == "" {
		return true, true
	}
	c := expression{rest: constraint, has: has}
	value = c.or()
	return value, !c.wrong && c.rest == ""
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
	end := 0
	for end < len(c.rest) && strings.IndexByte(" !&|()", c.rest[end]) < 0 {
		end++
	}
	tag := c.rest[:end]
	c.wrong = c.wrong || tag == ""
	c.rest = c.rest[end:]
	return c.has(tag)
}

// takes takes a word off the rest, if it comes next, with the blanks around it.
func (c *expression) takes(word string) (ok bool) {
	rest, ok := strings.CutPrefix(unindented(c.rest), word)
	if ok {
		c.rest = unindented(rest)
	}
	return ok
}

func unindented(s string) string {
	for strings.HasPrefix(s, " ") {
		s = s[1:]
	}
	return s
}
