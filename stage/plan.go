// Package stage puts the stages of a policy in order: what each one leaves of what the one before it left. It is the
// algebra of the policy language:
//
//	allowed(k) = floor ∨ (allowed(k−1) ∧ own(k))
//
// where own(k) is what stage k's rules and the sets in force say. Nothing ever widens: what would is an error.
package stage

import (
	"slices"
	"sort"

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

	states  []state // parallel to Table.Calls
	said    sayings // none of the first stage, in which it is the program's part
	symbols []wanted
}

// A state is what is to be known of a stage's decision on one call.
type state struct {
	floor    int32 // how many clauses in front are the floor's; the others are the program's part, which is total
	ruled    bool  // a rule speaks for the call, and not the sets
	holds    bool  // the rule is a holder of its own: when it was said, no set in force had the call
	noFloor  bool  // a rule said `including go`
	symbolic bool  // there are symbols in what is said
}

// Sayings tell what a stage would say of calls if it were the first, by their places in Table.Calls, ascending.
type sayings []saying

type saying struct {
	call  int
	alone []policy.Clause
}

// find returns the place of what is said of a call.
func (s sayings) find(i int) (at int, ok bool) {
	at = sort.Search(len(s), func(at int) bool { return s[at].call >= i })
	return at, at < len(s) && s[at].call == i
}

// program returns the program's part of the decision on a call.
func (s *Stage) program(i int) []policy.Clause { return s.Table.Calls[i].Clauses[s.states[i].floor:] }

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
	if err := b.decider.Err(); err != nil { // what was decided last means nothing
		b.complain(err)
	}
	renew(b.decider)
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
	plan.Stages = plan.resolved(env)
	return plan, nil
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
	plan.Stages = plan.resolved(env)
	return plan, nil
}

func (b *builder) draw() *Plan {
	p := b.policy
	plan := &Plan{Policy: p, written: make([]Stage, len(p.Stages))}
	b.start()
	b.layFloor()
	for k := range p.Stages {
		b.begin(k)
		if b.last {
			b.takeLock("seccomp") // no filter follows; the set's other words are for reading back that this one is in force
		}
		b.takeSteps()
		for i := range b.calls {
			b.narrow(i)
			if b.decider != nil {
				b.renew()
			}
		}
		if b.judge != nil {
			b.judge.steps(b)
		}
		plan.written[k] = b.finish()
		b.done = plan.written[:k+1]
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
	policy    *policy.Policy
	judge     *judge          // nil: there are no mistakes
	decider   *policy.Decider // nil until it is needed: see decide
	listed    []listed        // of the architecture's calls, 64 in each
	beside    []uint32        // the other numbers that something is said about, in order
	mentioned []*policy.Set   // the leaves that were looked through

	calls  []policy.Decision // all that something is said about, by ascending number, with what is left of them so far
	states []state           // of calls
	said   sayings           // of stage so far
	done   []Stage           // those before it

	stage       *policy.Stage // the one being worked on
	first, last bool
	holders     holders
	floor       [][]policy.Clause // by call; nil where there is none
	denial      []policy.Clause   // what a call gets that nothing else is said about
	rest        []policy.Clause   // what the calls get that are not listed: the first stage's denial, for good
	rules       int               // how many of stage were looked at
	fallbacks   int               // likewise
	clauses     []policy.Clause   // room for those of many calls, as far as it is taken

	notes      []policy.Note
	errs       rule.Mistakes
	doubt      bool  // for a mistake it is not known which sets are in force, and which rules of their own the stages have
	doubtful   bool  // for a mistake it is not known of some call what is left
	tooComplex error // once told, nothing else is
}

// begin goes on to a stage.
func (b *builder) begin(k int) {
	b.stage, b.first, b.last = &b.policy.Stages[k], k == 0, k == len(b.policy.Stages)-1 && !b.policy.Open
	b.rules, b.fallbacks = 0, 0
	b.denial = []policy.Clause{{If: policy.Const(true), Action: b.stage.Deny, Origin: b.origin(policy.FromDeny)}}
	if b.first {
		b.rest = b.denial
		return
	}
	b.calls, b.states, b.said = slices.Clone(b.calls), slices.Clone(b.states), nil
}

// finish makes the table of a stage, with symbols as they are written.
func (b *builder) finish() Stage {
	return Stage{
		Name: b.stage.Name,
		Table: &policy.Table{
			Arch:    b.policy.Arch,
			Calls:   b.calls,
			Rest:    b.rest[0],
			Foreign: policy.Clause{If: policy.Const(true), Origin: b.origin(policy.FromForeign)},
			Other:   b.unknown(),
		},
		Sets:     slices.Clone(b.holders.leaves),
		Children: b.policy.Deferred || b.children(),
		states:   b.states,
		said:     b.said,
	}
}

// left returns what is left to the program of a call so far.
func (b *builder) left(i int) []policy.Clause { return b.calls[i].Clauses[b.states[i].floor:] }

// free is what there is of all calls before the first stage: everything is allowed, and nobody has said so.
var free = []policy.Clause{{If: policy.Const(true), Action: policy.Action{Kind: policy.Allow}}}

// was returns what the stage before left to the program of a call.
func (b *builder) was(i int) []policy.Clause {
	if b.first {
		return free
	}
	return b.done[len(b.done)-1].program(i)
}

// by returns who was the last to narrow a call, whom the last word of a stage comes from; nil: nobody.
func (b *builder) by(i int) *policy.Origin {
	last := b.left(i)
	for k := len(b.done); k >= 0; k-- {
		said := b.said
		if k < len(b.done) {
			said = b.done[k].said
		}
		if at, ok := said.find(i); ok {
			last = said[at].alone
			break
		}
	}
	return last[len(last)-1].Origin
}

// list returns an empty list with room for n clauses; many share an allocation.
func (b *builder) list(n int) []policy.Clause {
	at := len(b.clauses)
	if at+n > cap(b.clauses) {
		at, b.clauses = 0, make([]policy.Clause, 0, max(n, moreClauses))
	}
	b.clauses = b.clauses[:at+n]
	return b.clauses[at : at : at+n]
}

// Room is made for so many clauses at once: for those that the first stage most likely makes, then for some more.
const (
	mostClauses = 512
	moreClauses = 16
)

// find returns the rule about a call, nil if there is none, and looks at rules from next on: numbers that were asked for are
// never asked for again, nor smaller ones.
func find(rules []policy.Rule, next *int, nr uint32) *policy.Rule {
	for *next < len(rules) {
		r := &rules[*next]
		if r.Nr > nr {
			break
		}
		if *next++; r.Nr == nr {
			return r
		}
	}
	return nil
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
