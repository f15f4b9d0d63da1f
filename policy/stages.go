package policy

import (
	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/rule"
)

// How much a policy may have of what costs more than in proportion to its text: the stages of a process are counted on
// one hand, and the built-in sets are some fifty.
const (
	MaxStages = 32
	maxNames  = 1000 // of sets, in all stages together
	maxSets   = 1000 // of its own
)

// defaultStage is the stage of a text that names none.
const defaultStage = "init"

// A stager gives the statements of a text their meaning, stage by stage.
type stager struct {
	*checker
	policy   *Policy
	stage    Stage
	standing standing // of the rules of stage
	named    map[string]rule.Pos
	list     []rule.Stmt
	coming   []int    // where in list the stages to come begin
	seated   block    // the seats of stage's rules
	room     block    // for the stages to come
	head     bool     // before the first `stage`: its statements belong to that stage, its deny to all
	deny     Action   // of stages that don't say their own
	denyPos  rule.Pos // of deny; zero for the default
	said     rule.Pos // of the deny of this stage, or of the head
	deferred rule.Pos // of on_next_syscall
	useGo    rule.Pos
	names    int // of sets that were said so far
}

// statements gives the stages of a policy, which begin at places of its list, their meaning.
func (c *checker) statements(list []rule.Stmt, stages []int, p *Policy) {
	s := stager{checker: c, policy: p, list: list, coming: stages, head: true, room: newBlock(len(list)), deny: refusal}
	name, at := defaultStage, list[0].Start()
	if len(stages) > 0 {
		x := list[stages[0]].(*rule.Stage)
		name, at, s.coming = x.Name.Text, x.Pos, stages[1:]
	}
	var few [fewSeats]seat
	seats := few[:]
	if len(list) > len(few) {
		seats = make([]seat, len(list))
	}
	s.begin(name, at, 0, seats)
	defer func(file string) { s.file = file }(s.file)
	for i, x := range list {
		if r, ok := x.(*rule.Rule); ok && r.Call.Name != rule.OnNextSyscall {
			if c.rule(&s.seated, r, seats[i], &s.standing) == unknown {
				s.stage.Doubt = true
			}
		} else if !s.statement(i, seats) {
			break
		}
	}
	s.end()
	s.file = p.Name
	p.Deferred = s.deferred.Line != 0
	p.NoFloor = p.Deferred && s.useGo.Line == 0
	if s.useGo.Line != 0 && !p.Deferred {
		c.notef(s.useGo, "go is in force without being named: use go is for policies with %s", rule.OnNextSyscall)
	}
}

// refusal is what a refused call gets where nothing else is said: EPERM, which is 1 on every architecture
// (asm-generic/errno-base.h).
var refusal = Action{Errno, 1}

// begin begins the stage whose statements lie from a place of the list on, and gives them their seats.
func (s *stager) begin(name string, at rule.Pos, from int, seats []seat) {
	to := len(s.list)
	if len(s.coming) > 0 {
		to, s.coming = s.coming[0], s.coming[1:]
	}
	s.seated = s.room.first(s.seat(s.list[from:to], seats[from:to]))
	s.stage = Stage{Name: name, File: s.file, Pos: at, Deny: s.deny, DenyPos: s.denyPos, Rules: s.seated.rules}
	s.stand()
	s.said = rule.Pos{}
}

// stand says where the stage's rules stand from here on.
func (s *stager) stand() {
	s.standing = standing{Source: &Source{Kind: FromRule, Stage: s.stage.Name, File: s.file}}
}

// end puts the stage that was read into the policy.
func (s *stager) end() {
	rules, seated := s.stage.Rules, len(s.seated.rules)
	s.room.rules, s.room.origins = s.room.rules[len(rules):], s.room.origins[seated:]
	seatLate(rules, seated)
	n := min(1, len(rules)) // calls so far
	for i := 1; i < len(rules); i++ {
		a, b := &rules[i-1], &rules[i]
		if a.Nr != b.Nr {
			if n++; n <= i {
				rules[n-1] = *b
			}
			continue
		}
		if !a.Doubt && !b.Doubt {
			s.errorf(ErrTwice, b.Origin.pos(), "stage %s has a rule about %s already, in %s: join the two",
				s.stage.Name, callText(b), place(a.Origin.pos()))
		}
		rules[n-1] = doubtful(rules[n-1])
	}
	s.stage.Rules = rules[:n:n]
	s.policy.Stages = append(s.policy.Stages, s.stage)
}

// statement gives the statement at a place of the list its meaning, which is about no call. It is false where no further
// one is looked at.
func (s *stager) statement(i int, seats []seat) bool {
	switch x := s.list[i].(type) {
	case *rule.Rule:
		s.onNextSyscall(x)
	case *rule.Stage:
		if !s.head && len(s.policy.Stages) == MaxStages-1 {
			s.errorf(bdd.ErrTooComplex, x.Pos, "this is one stage too many: a policy has at most %d", MaxStages)
			return false
		}
		s.next(x, i, seats)
	case *rule.Deny:
		s.denial(x)
	case *rule.Use:
		s.use(x)
	case *rule.Drop:
		s.step(Drop, x.Sets)
	case *rule.Only:
		s.only(x)
	case *rule.Set: // see declare
	case *rule.Broken:
		s.broken(x)
	default:
		panic(bug("a statement of type %T", x))
	}
	return true
}

// next goes on to the stage that x names.
func (s *stager) next(x *rule.Stage, i int, seats []seat) {
	file := s.policy.Name
	if x.File != "" {
		file = x.File
	}
	if s.head {
		s.head = false
		s.said = rule.Pos{}
		s.file, s.stage.File, s.stage.Loose = file, file, x.Loose
		s.stand()
		return
	}
	if s.named == nil {
		s.named = map[string]rule.Pos{s.stage.Name: s.stage.Pos}
	}
	if at, ok := s.named[x.Name.Text]; ok {
		s.errorf(ErrTwice, x.Name.Pos, "there is a stage %s already, in %s", x.Name.Text, place(at))
	}
	s.named[x.Name.Text] = x.Pos
	s.end()
	if s.file = s.policy.Name; x.File != "" {
		s.file = x.File
	}
	s.begin(x.Name.Text, x.Pos, i, seats)
	s.stage.Loose = x.Loose
}

func (s *stager) denial(x *rule.Deny) {
	if s.said.Line != 0 {
		where := "stage " + s.stage.Name
		if s.head {
			where = "the policy"
		}
		s.errorf(ErrTwice, x.Pos, "%s has a deny already, in %s", where, place(s.said))
		return
	}
	s.said = x.Pos
	a, ok := s.action(&x.Action)
	if !ok {
		return
	}
	if a.Allows() {
		s.errorf(ErrMisplaced, x.Action.Pos, "deny %s would refuse nothing: say errno(NAME), trap or kill; to log some "+
			"calls and make them, write sys_NAME: 0 else log", a)
		return
	}
	s.stage.Deny, s.stage.DenyPos = a, x.Pos
	if s.head {
		s.deny, s.denyPos = a, x.Pos
	}
}

func (s *stager) use(x *rule.Use) {
	for _, name := range x.Sets {
		if name.Text == FloorSet {
			s.useGo = name.Pos
			continue
		}
		s.step(Use, []rule.Name{name})
	}
}

// step takes down a use or a drop, name by name.
func (s *stager) step(verb Verb, names []rule.Name) {
	for _, name := range names {
		if set := s.setOf(name, verb); set != nil {
			s.stage.Steps = append(s.stage.Steps, Step{Verb: verb, Pos: name.Pos, Sets: []*Set{set}})
			s.stage.Doubt = s.stage.Doubt || set.Doubt
		} else {
			s.stage.Doubt = true
		}
	}
}

func (s *stager) only(x *rule.Only) {
	step := Step{Verb: Only, Pos: x.Pos}
	for _, name := range x.Sets {
		if set := s.setOf(name, Only); set != nil {
			step.Sets = append(step.Sets, set)
			s.stage.Doubt = s.stage.Doubt || set.Doubt
		} else {
			s.stage.Doubt = true
		}
	}
	s.stage.Steps = append(s.stage.Steps, step)
}

// setOf returns the set that a statement names, nil where there is none to be named.
func (s *stager) setOf(name rule.Name, verb Verb) *Set {
	if s.names++; s.names > maxNames {
		if s.names == maxNames+1 {
			s.errorf(bdd.ErrTooComplex, name.Pos, "this is one set too many: the stages of a policy name at most %d", maxNames)
		}
		return nil
	}
	if name.Text == FloorSet {
		word := map[Verb]string{Drop: "dropped", Only: "named by only: it stays in any case"}[verb]
		s.errorf(ErrMisplaced, name.Pos, "go, what the Go runtime needs at any moment, can't be %s; to take one call from "+
			"it, write sys_NAME: 0 including go", word)
		return nil
	}
	return s.set(name)
}

// onNextSyscall takes down that the whole policy waits for the next exec.
func (s *stager) onNextSyscall(x *rule.Rule) {
	one, ok := x.Verdict.(*rule.Number)
	rest := x.Rest()
	switch {
	case !ok || one.Abs != 1 || one.Neg:
		s.errorf(ErrMisplaced, x.Verdict.Start(), "%s takes the verdict 1 only: without it a policy is in force at once",
			rule.OnNextSyscall)
	case len(rest.Else) > 0:
		s.errorf(ErrMisplaced, rest.Else[0].Pos, "%s takes no else: it is no system call", rule.OnNextSyscall)
	case rest.IncludingGo:
		s.errorf(ErrMisplaced, rest.GoPos, "%s takes no including go: it is no system call", rule.OnNextSyscall)
	case s.deferred.Line != 0:
		s.errorf(ErrTwice, x.Pos, "%s was said already, in %s", rule.OnNextSyscall, place(s.deferred))
	default:
		s.deferred = x.Pos
	}
}

func (o *Origin) pos() rule.Pos { return rule.Pos{Line: o.Line, Col: o.Col} }
