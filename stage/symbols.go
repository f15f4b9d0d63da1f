package stage

import (
	"slices"

	"github.com/stagelock/seccomp/policy"
)

// An Env holds the values that only the process itself knows, by the names the language has for them: self.pid,
// runtime.eventfd, runtime.epollfd. A shape of a built-in set whose value is missing here is left open.
type Env map[string]uint64

// With returns the plan for other values than it was made with.
func (p *Plan) With(env Env) *Plan {
	with := *p
	with.Stages = p.resolved(env)
	return &with
}

// resolved returns the stages with values in the place of symbols.
func (p *Plan) resolved(env Env) []Stage {
	stages := slices.Clone(p.written)
	for k := range stages {
		stages[k].resolve(env)
	}
	return stages
}

// resolve puts values in the place of the symbols of a stage.
func (s *Stage) resolve(env Env) {
	if !slices.ContainsFunc(s.states, func(st state) bool { return st.symbolic }) {
		return
	}
	table := *s.Table
	table.Calls = slices.Clone(table.Calls)
	s.Table, s.said = &table, slices.Clone(s.said)
	for i := range s.states {
		if !s.states[i].symbolic {
			continue
		}
		r := resolver{env: env, children: s.Children}
		d := &table.Calls[i]
		d.Clauses = r.clauses(d.Clauses)
		if at, ok := s.said.find(i); ok {
			s.said[at].alone = r.clauses(s.said[at].alone)
		}
		if len(r.used) > 0 {
			s.symbols = append(s.symbols, wanted{d.Nr, r.used})
		}
	}
}

// Symbols returns the names of Env whose values the decision on a call rests on, given or not.
func (s *Stage) Symbols(nr uint32) []string {
	for i := range s.symbols {
		if s.symbols[i].nr == nr {
			return s.symbols[i].names
		}
	}
	return nil
}

// A resolver puts the values of Env in the place of symbols. A shape of a built-in set is left open where its value is
// unknown or, children inheriting it, would be the wrong one.
type resolver struct {
	env      Env
	children bool
	used     []string // the names of those that were wanted
}

func (r *resolver) clauses(list []policy.Clause) []policy.Clause {
	list = slices.Clone(list)
	for i := range list {
		list[i].If = r.cond(list[i].If)
	}
	return list
}

// cond returns c with its symbols resolved, as far as they can be.
func (r *resolver) cond(c policy.Cond) policy.Cond {
	switch c := c.(type) {
	case policy.Symbol:
		if c.Set && r.children {
			return policy.Const(true)
		}
		if !slices.Contains(r.used, c.Name) {
			r.used = append(r.used, c.Name)
		}
		v, ok := r.env[c.Name]
		switch {
		case ok:
			return policy.Range{Arg: c.Arg, Bits: c.Bits, Lo: v, Hi: v}
		case c.Set:
			return policy.Const(true)
		}
	case policy.Not:
		return policy.Not{X: r.cond(c.X)}
	case policy.And:
		return policy.And(r.conds(c))
	case policy.Or:
		return policy.Or(r.conds(c))
	}
	return c
}

func (r *resolver) conds(parts []policy.Cond) []policy.Cond {
	resolved := make([]policy.Cond, len(parts))
	for i, c := range parts {
		resolved[i] = r.cond(c)
	}
	return resolved
}

// symbolic tells whether the clauses of a decision have symbols. The last one has no condition.
func symbolic(clauses []policy.Clause) bool {
	for i := range len(clauses) - 1 {
		if hasSymbols(clauses[i].If) {
			return true
		}
	}
	return false
}

func hasSymbols(c policy.Cond) bool {
	switch c := c.(type) {
	case policy.Symbol:
		return true
	case policy.Not:
		return hasSymbols(c.X)
	case policy.And:
		return slices.ContainsFunc(c, hasSymbols)
	case policy.Or:
		return slices.ContainsFunc(c, hasSymbols)
	}
	return false
}
