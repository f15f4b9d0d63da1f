// Package stage puts the stages of a policy in order: what each one leaves of what the one before it left. It is the
// algebra of the policy language:
//
//	allowed(k) = floor ∨ (allowed(k−1) ∧ own(k))
//
// where own(k) is what stage k's rules and the sets in force say. Nothing ever widens: what would is an error.
package stage

import (
	"cmp"
	"slices"
	"sort"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// An Env holds the values that only the process itself knows, by the names the language has for them: self.pid,
// runtime.eventfd, runtime.epollfd. A shape of a built-in set whose value is missing here is left open.
type Env map[string]uint64

// A Plan says what every stage of a policy leaves.
type Plan struct {
	Policy *policy.Policy
	Stages []Stage
	Notes  []policy.Note // what a person should know: what a drop left, and who holds it
}

// A Stage is what is left once it is locked.
type Stage struct {
	Name     string
	Table    *policy.Table // every call's fate, whatever stages came before
	Sets     []*policy.Set // the leaves in force, in the order in which they came
	Children bool          // a child may be started, which inherits the filters: shapes with own values don't bind

	states []state // parallel to Table.Calls
}

// A state is what a stage leaves of one call.
type state struct {
	nr      uint32
	name    string
	word    *policy.Rule    // the rule that speaks for the call, if it is a rule and not the sets
	holds   bool            // word is a holder of its own: when it was said, no set in force had the call
	by      *policy.Origin  // the last to narrow it, for messages
	program []policy.Clause // the program's part of the decision, total: without the floor, symbols as written
	alone   []policy.Clause // what this stage would say if it were the first
	symbols []string        // the names of Env that the decision rests on
	noFloor bool            // a rule said `including go`
	changed bool            // the decision is said in other words than in the stage before
}

// decideLimit bounds the nodes that deciding about one call may take, together with those of the calls before it that
// were small: some 300 ms.
const decideLimit = 1 << 19

// renew throws the decision diagrams away once they have become large: nothing is compared from call to call.
func (b *builder) renew() {
	switch {
	case b.decider.Err() != nil: // what was decided last means nothing
		b.complain(b.decider.Err())
	case b.decider.Size() < decideLimit/8:
		return
	}
	b.decider = policy.NewDecider(decideLimit)
}

// New works out what each stage of p leaves. The error is rule.Errors: every mistake with its place.
func New(p *policy.Policy, env Env) (*Plan, error) {
	b := &builder{policy: p, env: env, decider: policy.NewDecider(decideLimit)}
	plan := &Plan{Policy: p, Stages: make([]Stage, len(p.Stages))}
	states := b.start()
	b.floor = b.layFloor()
	for k := range p.Stages {
		b.stage, b.first, b.last = &p.Stages[k], k == 0, k == len(p.Stages)-1 && !p.Open
		if b.last {
			b.takeSeccomp()
		}
		b.denial = []policy.Clause{{If: policy.Const(true), Action: b.stage.Deny, Origin: b.origin(policy.FromDeny)}}
		b.takeSteps()
		next := make([]state, len(states))
		for i := range states {
			next[i] = b.narrow(&states[i])
			b.renew()
		}
		b.judgeSteps(states, next)
		plan.Stages[k] = b.finish(next)
		b.before, states = &plan.Stages[k], next
	}
	plan.Notes = b.notes
	if err := b.errs.Err(); err != nil {
		return nil, err
	}
	return plan, nil
}

// Index returns the place of the stage of that name; ok is false if there is none.
func (p *Plan) Index(name string) (k int, ok bool) {
	k = slices.IndexFunc(p.Stages, func(s Stage) bool { return s.Name == name })
	return k, k >= 0
}

// Counts tells how many of the calls that the tables know a stage allows, at least with some arguments.
func (s *Stage) Counts() (allowed, known int) {
	for i := range s.Table.Calls {
		if d := &s.Table.Calls[i]; d.Name != "" {
			known++
			if slices.ContainsFunc(d.Clauses, allows) {
				allowed++
			}
		}
	}
	return allowed, known
}

// Symbols returns the names of Env whose values the decision on a call rests on, given or not.
func (s *Stage) Symbols(nr uint32) []string {
	if st := s.find(nr); st != nil {
		return st.symbols
	}
	return nil
}

func allows(c policy.Clause) bool { return c.Action.Allows() }

// A builder goes through the stages of a policy.
type builder struct {
	policy  *policy.Policy
	env     Env
	decider *policy.Decider

	stage       *policy.Stage // the one being worked on
	first, last bool
	before      *Stage // the one before it; nil for the first
	holders     holders
	floor       map[uint32][]policy.Clause
	denial      []policy.Clause // what a call gets that nothing else is said about

	notes      []policy.Note
	errs       rule.Errors
	tooComplex error // once told, nothing else is
}

// start returns the state before the first stage: everything is allowed, and nobody has said so.
func (b *builder) start() []state {
	free := []policy.Clause{{If: policy.Const(true), Action: policy.Action{Kind: policy.Allow}}}
	calls := b.policy.Arch.Calls()
	states := make([]state, 0, len(calls)+4)
	for _, c := range calls {
		states = append(states, state{nr: c.Nr, name: c.Name, program: free})
	}
	for _, s := range b.policy.Stages { // numbers that the tables don't know, named by nr(N)
		for _, r := range s.Rules {
			if _, ok := b.policy.Arch.CallNr(r.Nr); !ok {
				states = append(states, state{nr: r.Nr, program: free})
			}
		}
	}
	if len(states) > len(calls) {
		sort.SliceStable(states, func(i, j int) bool { return states[i].nr < states[j].nr })
		once := states[:1]
		for _, st := range states[1:] {
			if st.nr != once[len(once)-1].nr {
				once = append(once, st)
			}
		}
		states = once
	}
	return states
}

// complain takes down that a stage is too complex; nothing else is told then.
func (b *builder) complain(err error) {
	if b.tooComplex == nil {
		b.tooComplex, b.errs = err, nil
		b.fail(b.stage.Pos, err, "how the conditions of stage %s narrow those before is %v: use fewer or simpler ones",
			b.stage.Name, err)
	}
}

// rule returns what the stage says about a call itself, nil if nothing.
func (b *builder) rule(nr uint32) *policy.Rule {
	i, ok := slices.BinarySearchFunc(b.stage.Rules, nr, func(r policy.Rule, nr uint32) int {
		return cmp.Compare(r.Nr, nr)
	})
	if !ok {
		return nil
	}
	return &b.stage.Rules[i]
}
