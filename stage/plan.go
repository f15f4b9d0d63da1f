// Package stage puts the stages of a policy in order: what each one leaves of what the one before it left. It is the
// algebra of the policy language:
//
//	allowed(k) = floor ∨ (allowed(k−1) ∧ own(k))
//
// where own(k) is what stage k's rules and the sets in force say. Nothing ever widens: what would is an error.
package stage

import (
	"sort"

	"github.com/stagelock/seccomp/internal/order"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// A Plan says what every stage of a policy leaves.
type Plan struct {
	Policy *policy.Policy
	Stages []Stage
	Notes  []policy.Note // what a person should know: what a drop left, and who holds it

	written []Stage // Stages with symbols as they are written
}

// A Stage is what is left once it is locked.
type Stage struct {
	Name     string
	Table    *policy.Table // every call's fate, whatever stages came before
	Sets     []*policy.Set // the leaves in force, in the order in which they came
	Children bool          // a child may be started, which inherits the filters: shapes with own values don't bind

	states   []*state // parallel to Table.Calls; one that the stage says nothing new about is that of the stage before
	symbolic []int    // the places of calls about which something is said with symbols
	symbols  []wanted
}

// A state is what a stage leaves of one call. It isn't changed once made: calls and stages share it.
type state struct {
	word    *policy.Rule     // the rule that speaks for the call, if it is a rule and not the sets
	program []policy.Clause  // the program's part of the decision, total: without the floor, symbols as written
	said    *[]policy.Clause // what the stage that made it would say if it were the first; nil: program
	holds   bool             // word is a holder of its own: when it was said, no set in force had the call
	noFloor bool             // a rule said `including go`
}

// by returns who was the last to narrow the call, which the last word of a stage comes from; nil: nobody.
func (s *state) by() *policy.Origin {
	last := s.program
	if s.said != nil {
		last = *s.said
	}
	return last[len(last)-1].Origin
}

// A wanted names the values of Env that the decision on a call rests on.
type wanted struct {
	nr    uint32
	names []string
}

// decideLimit bounds the nodes that deciding about one call may take, some 300 ms.
const decideLimit = 1 << 19

// decide returns what to compare decisions with. Most stages have nothing to compare.
func (b *builder) decide() *policy.Decider {
	if b.decider == nil {
		b.decider = policy.NewDecider(decideLimit)
	}
	return b.decider
}

// renew is called between calls: nothing is compared from one to another.
func (b *builder) renew() {
	if b.decider != nil {
		if err := b.decider.Err(); err != nil { // what was decided last means nothing
			b.complain(err)
		}
		renew(b.decider)
	}
}

// renew empties decision diagrams that are no longer small. Memory that is used again is in the processor's caches, and
// need not be brought in by the kernel.
func renew(d *policy.Decider) {
	if d.Err() != nil || d.Size() > 500 {
		d.Reset()
	}
}

// New works out what each stage of p leaves. The error is rule.Errors: the mistakes with their places, those that p has
// already and those of the stages. It doesn't hang on env.
func New(p *policy.Policy, env Env) (*Plan, error) {
	plan, err := Draw(p)
	if err != nil {
		return nil, err
	}
	return plan.With(env), nil
}

// Draw is New for values that are told later: the plan has no Stages before With gives it its values.
func Draw(p *policy.Policy) (*Plan, error) {
	b := &builder{policy: p, judge: &thorough, errs: p.Mistakes.Clone()}
	plan := b.draw()
	if err := b.errs.Err(); err != nil {
		return nil, err
	}
	plan.Notes = b.notes
	return plan, nil
}

// Again is New for a policy that New has taken before, such as a built-in one: nothing is wrong with it, and no notes are
// made. A program that only plans again does not link what finds mistakes and says them.
func Again(p *policy.Policy, env Env) (*Plan, error) {
	b := &builder{policy: p}
	plan := b.draw()
	if b.tooComplex != nil {
		return nil, b.tooComplex
	}
	return plan.With(env), nil
}

func (b *builder) draw() *Plan {
	p := b.policy
	b.free = &state{program: []policy.Clause{{If: policy.Const(true), Action: policy.Action{Kind: policy.Allow}}}}
	plan := &Plan{Policy: p, written: make([]Stage, len(p.Stages))}
	b.start()
	b.layFloor()
	for k := range p.Stages {
		b.begin(k)
		if b.last {
			b.takeLock("seccomp") // no filter follows; the set's other words are for reading back that this one is in force
		}
		b.takeSteps()
		states := make([]*state, len(b.calls))
		for i := range states {
			states[i] = b.narrow(i)
			b.renew()
		}
		if b.judge != nil {
			b.judge.steps(b, states)
		}
		plan.written[k] = b.finish(states)
		b.before = &plan.written[k]
	}
	return plan
}

// Index returns the place of the stage of that name; ok is false if there is none.
func (p *Plan) Index(name string) (k int, ok bool) {
	for k := range p.Stages {
		if p.Stages[k].Name == name {
			return k, true
		}
	}
	return -1, false
}

// Counts tells how many of the calls that the tables know a stage allows, at least with some arguments.
func (s *Stage) Counts() (allowed, known int) {
	for i := range s.Table.Calls { // the rest is refused
		if d := &s.Table.Calls[i]; d.Name != "" && allowAny(d.Clauses) {
			allowed++
		}
	}
	return allowed, s.Table.Arch.Len()
}

// allowAny tells whether clauses let a call be made with some arguments.
func allowAny(clauses []policy.Clause) bool {
	for i := range clauses {
		if clauses[i].Action.Allows() {
			return true
		}
	}
	return false
}

// A builder goes through the stages of a policy.
type builder struct {
	policy  *policy.Policy
	judge   *judge            // nil: there are no mistakes
	decider *policy.Decider   // nil until it is needed: see decide
	calls   []policy.Decision // those that something is said about, by ascending number; of the stage before also what it decides
	places  []uint32          // of the architecture's calls: where each is in calls, plus 1; 0: nothing is said about it

	mentioned int // how many of those there are

	stage       *policy.Stage // the one being worked on
	first, last bool
	before      *Stage // the one before it; nil for the first
	holders     holders
	floor       [][]policy.Clause // by call; nil where there is none
	denial      []policy.Clause   // what a call gets that nothing else is said about
	rest        []policy.Clause   // what the calls get that are not listed: the first stage's denial, for good
	free        *state            // of all calls before the first stage
	denied      *state            // what the first stage leaves of what nothing else is said about
	rules       cursor            // of stage
	fallbacks   cursor

	states  []state         // room for more
	clauses []policy.Clause // likewise

	notes      []policy.Note
	errs       rule.Mistakes
	doubt      bool  // for a mistake it is not known which sets are in force, and which rules of their own the stages have
	doubtful   bool  // for a mistake it is not known of some call what is left
	tooComplex error // once told, nothing else is
}

// start lists the calls that the plan is about: those that something is said about, and numbers that the architecture's
// tables don't know, named by nr(N). What is said about all others is that nothing allows them.
func (b *builder) start() {
	p := b.policy
	b.places = make([]uint32, p.Arch.Len())
	var beside []uint32
	for k := range p.Stages {
		s := &p.Stages[k]
		b.mention(s.Rules)
		for i := range s.Rules {
			if s.Rules[i].Name == "" {
				beside = append(beside, s.Rules[i].Nr)
			}
		}
		for _, step := range s.Steps {
			for _, set := range step.Sets {
				b.mentionSet(set)
			}
		}
	}
	b.mention(p.Fallbacks)
	b.mentionSet(p.Floor)
	b.mentionSet(p.Lock)
	order.Stable(beside, func(i, j int) bool { return beside[i] < beside[j] })
	b.listCalls(beside)
}

// mention notes that something is said about calls.
func (b *builder) mention(rules []policy.Rule) {
	for i := range rules {
		if at, known := b.policy.Arch.Index(rules[i].Nr); known && b.places[at] == 0 {
			b.places[at] = 1
			b.mentioned++
		}
	}
}

func (b *builder) mentionSet(s *policy.Set) {
	if s == nil {
		return
	}
	for l := range s.Leaves {
		b.mention(l.Rules)
	}
}

// listCalls makes the list of calls from what was mentioned and the numbers beside, which are in order.
func (b *builder) listCalls(beside []uint32) {
	b.calls = make([]policy.Decision, 0, b.mentioned+len(beside))
	upTo := func(nr uint32) {
		for ; len(beside) > 0 && beside[0] <= nr; beside = beside[1:] {
			if n := len(b.calls); n == 0 || b.calls[n-1].Nr != beside[0] {
				b.calls = append(b.calls, policy.Decision{Nr: beside[0]})
			}
		}
	}
	for at, mentioned := range b.places {
		if mentioned == 0 {
			continue
		}
		nr, name := b.policy.Arch.NameAt(at)
		upTo(nr)
		b.calls = append(b.calls, policy.Decision{Nr: nr, Name: name})
		b.places[at] = uint32(len(b.calls))
	}
	upTo(1<<32 - 1)
}

// begin goes on to a stage.
func (b *builder) begin(k int) {
	b.stage, b.first, b.last = &b.policy.Stages[k], k == 0, k == len(b.policy.Stages)-1 && !b.policy.Open
	b.rules, b.fallbacks = b.stage.Rules, b.policy.Fallbacks
	b.denial = []policy.Clause{{If: policy.Const(true), Action: b.stage.Deny, Origin: b.origin(policy.FromDeny)}}
	if b.first {
		b.rest = b.denial
	}
	b.denied = &state{program: b.denial}
	room := len(b.rules)
	if b.first {
		room = len(b.calls)
		b.clauses = make([]policy.Clause, min(room, manyStates))
	}
	b.states = make([]state, min(room, manyStates))
}

// index returns the place of a call in calls.
func (b *builder) index(nr uint32) (i int, ok bool) {
	if at, known := b.policy.Arch.Index(nr); known {
		i = int(b.places[at]) - 1
		return i, i >= 0
	}
	i = sort.Search(len(b.calls), func(i int) bool { return b.calls[i].Nr >= nr })
	return i, i < len(b.calls) && b.calls[i].Nr == nr
}

// was returns what the stage before left of a call. Before the first one everything is allowed, and nobody has said so.
func (b *builder) was(i int) *state {
	if b.first {
		return b.free
	}
	return b.before.states[i]
}

// list returns an empty list with room for n clauses; many share an allocation.
//
//go:noinline
func (b *builder) list(n int) []policy.Clause {
	if n > len(b.clauses) {
		b.clauses = make([]policy.Clause, max(n, moreClauses))
	}
	list := b.clauses[:0:n]
	b.clauses = b.clauses[n:]
	return list
}

// Room is made for so many states and clauses at once: for all that the first stage most likely makes, for one for each rule
// of a later stage, then for some more.
const (
	manyStates  = 512
	moreStates  = 16
	moreClauses = 32
)

// newState returns an empty state; many share an allocation.
func (b *builder) newState() *state {
	if len(b.states) == 0 {
		b.states = make([]state, moreStates)
	}
	st := &b.states[0]
	b.states = b.states[1:]
	return st
}

// A cursor finds rules by ascending numbers.
type cursor []policy.Rule

// find returns the rule about a call, nil if there is none. Numbers that were asked for are never asked for again, nor
// smaller ones.
func (c *cursor) find(nr uint32) *policy.Rule {
	for len(*c) > 0 && (*c)[0].Nr < nr {
		*c = (*c)[1:]
	}
	if len(*c) == 0 || (*c)[0].Nr > nr {
		return nil
	}
	return &(*c)[0]
}

// complain takes down that a stage is too complex; nothing else is told then.
func (b *builder) complain(err error) {
	if b.tooComplex == nil {
		b.tooComplex = err
		if b.judge != nil {
			b.judge.complex(b)
		}
	}
}
