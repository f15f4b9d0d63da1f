package compiled

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// A Source is what a table is made of: the meaning of the files for one GOARCH, whatever the build is otherwise.
type Source struct {
	Sets      []Set // by name
	Fallbacks []Rule
	Default   *policy.Policy
}

// A Set is a set for all builds.
type Set struct {
	Name  string
	Parts []Part
	Rules []Rule // by ascending Nr
}

// A Part is a set that another one uses.
type Part struct {
	Name       string
	Constraint string // of the builds that it is part of it for; empty: all
}

// A Rule is a rule, all of whose places are in the file of its set.
type Rule struct {
	policy.Rule
	Constraint string // of the builds that it is for; empty: all
}

// A Piece is a piece of a table, with what it is.
type Piece struct{ Code, Note string }

// Encode returns the table of s in pieces, to be put one behind the other.
func Encode(s *Source) []Piece {
	e := &encoder{source: s, offsets: make(map[string]int), constraints: make(map[string]int)}
	var sets []Piece
	for i := range s.Sets {
		sets = append(sets, e.set(&s.Sets[i])...)
	}
	sets = append(sets, e.set(&Set{Rules: s.Fallbacks})...)
	policy := e.policy(s.Default)

	table := []Piece{{number(e.size), "the conditions"}}
	table = append(table, e.conds...)
	table = append(table, Piece{number(len(e.words)), "the constraints"})
	for _, w := range e.words {
		table = append(table, Piece{word(w), w})
	}
	table = append(table, Piece{number(len(s.Sets) + 1), "the sets"})
	return append(append(table, sets...), policy...)
}

type encoder struct {
	source      *Source
	conds       []Piece
	size        int            // of conds
	offsets     map[string]int // in conds, by code
	words       []string       // the constraints
	constraints map[string]int // their numbers
}

func (e *encoder) set(s *Set) []Piece {
	var body []Piece
	var parts strings.Builder
	parts.WriteString(number(len(s.Parts)))
	for _, p := range s.Parts {
		parts.WriteString(e.constraint(p.Constraint) + number(e.place(p.Name)))
	}
	body = append(body, Piece{parts.String() + number(len(s.Rules)), "parts, rules"})
	before := uint32(0)
	for i := range s.Rules {
		r := &s.Rules[i]
		body = append(body, Piece{e.rule(r, before), fmt.Sprintf("%d: %s", r.Origin.Line, r.Name)})
		before = r.Nr
	}
	size := 0
	for _, p := range body {
		size += len(p.Code)
	}
	name := s.Name
	if name == "" {
		name = FallbackFile
	}
	return append([]Piece{{word(s.Name) + number(size), name}}, body...)
}

// place returns the place of a set among all.
func (e *encoder) place(name string) int {
	for i := range e.source.Sets {
		if e.source.Sets[i].Name == name {
			return i
		}
	}
	panic(bug("no set " + name))
}

func (e *encoder) rule(r *Rule, before uint32) string {
	if r.IncludingGo || r.Name == "" {
		panic(bug("a rule of a built-in set about no known call, or with including go"))
	}
	line, col := r.Origin.Line, r.Origin.Col
	var code strings.Builder
	code.WriteString(number(int(r.Nr-before)) + e.constraint(r.Constraint) + number(line) + number(col) + e.cond(r.Allow, r.Origin) +
		number(len(r.Else)))
	for _, arm := range r.Else {
		code.WriteString(number(arm.Origin.Line-line) + number(arm.Origin.Col) + e.cond(arm.If, arm.Origin) + action(arm.Action))
	}
	return code.String()
}

// policy encodes the default policy, which has nothing of its own but stages of built-in sets.
func (e *encoder) policy(p *policy.Policy) []Piece {
	if p.Deferred || len(p.Notes) > 0 || len(p.Lacks) > 0 {
		panic(bug("the default policy waits for an exec, or there is a note on it"))
	}
	pieces := []Piece{{number(len(p.Stages)), PolicyFile}}
	for i := range p.Stages {
		s := &p.Stages[i]
		if len(s.Rules) > 0 {
			panic(bug("the default policy has rules of its own"))
		}
		var code strings.Builder
		code.WriteString(word(s.Name) + at(s.Pos) + action(s.Deny) + at(s.DenyPos) + number(len(s.Steps)))
		for _, step := range s.Steps {
			code.WriteString(number(int(step.Verb)) + at(step.Pos) + number(len(step.Sets)))
			for _, set := range step.Sets {
				code.WriteString(number(e.place(set.Name)))
			}
		}
		pieces = append(pieces, Piece{code.String(), "stage " + s.Name})
	}
	return pieces
}

// constraint returns the number of a constraint.
func (e *encoder) constraint(text string) string {
	if text == "" {
		return number(0)
	}
	n, ok := e.constraints[text]
	if !ok {
		e.words = append(e.words, text)
		n = len(e.words)
		e.constraints[text] = n
	}
	return number(n)
}

// cond refers to a condition, which o says.
func (e *encoder) cond(c policy.Cond, o *policy.Origin) string {
	code := condition(c)
	at, ok := e.offsets[code]
	if !ok {
		at = e.size
		e.offsets[code] = at
		e.conds = append(e.conds, Piece{code, fmt.Sprintf("%d: %s:%d", at, o.File, o.Line)})
		e.size += len(code)
	}
	return number(at)
}

func condition(c policy.Cond) string {
	switch c := c.(type) {
	case policy.Const:
		if c {
			return op(opConst, 1, 16)
		}
		return op(opConst, 0, 16)
	case policy.Not:
		return op(opNot, 0, 16) + condition(c.X)
	case policy.And:
		return op(opAnd, 0, 16) + conditions(c)
	case policy.Or:
		return op(opOr, 0, 16) + conditions(c)
	case policy.Range:
		return op(opRange, c.Arg, c.Bits) + number(c.Lo) + number(c.Hi-c.Lo)
	case policy.Masked:
		return op(opMasked, c.Arg, c.Bits) + number(c.Mask) + number(c.Value)
	case policy.Symbol:
		if !c.Set {
			panic(bug(c.Name + " is not of a built-in set"))
		}
		return op(opSymbol, c.Arg, c.Bits) + word(c.Name)
	}
	panic(bug(fmt.Sprintf("a condition of type %T", c)))
}

func conditions(list []policy.Cond) string {
	var code strings.Builder
	code.WriteString(number(len(list)))
	for _, c := range list {
		code.WriteString(condition(c))
	}
	return code.String()
}

// op returns the first byte of a condition: bits is 16, 32 or 64.
func op(kind, arg, width uint8) string {
	return string([]byte{kind | arg<<3 | uint8(bits.TrailingZeros8(width)-4)<<6})
}

func action(a policy.Action) string { return number(int(a.Kind)) + number(int(a.Errno)) }

func at(p rule.Pos) string { return number(p.Line) + number(p.Col) }

func word(s string) string { return number(len(s)) + s }

func number[T int | int32 | uint64](n T) string { return string(binary.AppendUvarint(nil, uint64(n))) }

// bug marks what can't happen with the files there are.
func bug(msg string) string { return "compiled: bug: " + msg }
