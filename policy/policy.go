// Package policy gives a policy text its meaning: names become numbers, arguments get the kernel's types, sets are
// merged in, and every mistake is told with its place. The result says per stage and call what was written; what the
// stages leave of each other is package stage's.
package policy

import (
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// A Target is what a policy is checked for. Nothing of it is looked up on the machine.
type Target struct {
	Arch *kernel.Arch
	Sets Library
}

// A Library has the built-in sets as one kind of Go program needs them (package runtimeset).
type Library interface {
	// Set returns a built-in set as it is on an architecture, nil if there is none of that name. It must not be
	// changed. The error is rule.Errors: the mistakes of its text, where it is made of one.
	Set(name string, arch *kernel.Arch) (*Set, error)
	// Names returns the names of all sets that a policy may use, in order.
	Names() []string
	// Fallbacks returns the rules that say which errno a refused call gets where Go or libc have another way that
	// only a certain errno takes, by ascending Nr: none of them allows anything. The error is as that of Set.
	Fallbacks(arch *kernel.Arch) ([]Rule, error)
}

// The sets that the library itself puts in force.
const (
	FloorSet = "go"   // what the Go runtime must be able to do at any moment
	LockSet  = "lock" // what locking a further stage needs
	AllSet   = "all"  // every call of the tables; made here, not in the Library
)

// A Policy is a checked policy.
type Policy struct {
	Name      string // of the file
	Arch      *kernel.Arch
	Deferred  bool // on_next_syscall: 1
	NoFloor   bool // Deferred, and nothing says `use go`: the floor is not added
	Floor     *Set // the set go
	Lock      *Set // the set lock
	Fallbacks []Rule
	Stages    []Stage
	Open      bool // stages may follow that are not known yet: the last one here keeps what locking needs
	Notes     []Note
	Lacks     []Lacking

	// Mistakes are those of grammar and meaning. What has one is missing, or marked by Doubt: package stage looks for more
	// mistakes, and refuses the policy.
	Mistakes rule.Mistakes
}

// A Lacking is a rule that limits a call which the architecture doesn't have: it does nothing.
type Lacking struct {
	Name  string
	Stage string
	File  string
	Pos   rule.Pos
}

// A Stage is what a policy says between one `stage` and the next.
type Stage struct {
	Name  string
	File  string   // where it was written
	Pos   rule.Pos // of its first statement where the text has no `stage`
	Deny  Action
	Steps []Step // what is said about sets, in order
	Rules []Rule // by ascending Nr, each call once

	DenyPos rule.Pos // of the deny that gives Deny; zero where none does
	Loose   bool     // its drops may find nothing to take
	Doubt   bool     // for a mistake it is not known which sets, and which rules of its own, the stage has beside these
}

// A Step is one name of a `use`, `drop`, or all of an `only`.
type Step struct {
	Verb Verb
	Pos  rule.Pos
	Sets []*Set // one, but for Only
}

// A Verb says what a Step does.
type Verb uint8

// The verbs.
const (
	Use Verb = iota
	Drop
	Only
)

// A Set is a named set. What is in force are its leaves: itself, if it has rules of its own, and those of its parts.
type Set struct {
	Name    string
	Doc     string // a sentence: the comment on top of its text
	Builtin bool
	Parts   []*Set
	Rules   []Rule // its own, by ascending Nr; a call may come more than once: any of them allows
	Doubt   bool   // for a mistake it is not known what else the set has
}

// Leaves calls yield for each leaf of s, each once.
func (s *Set) Leaves(yield func(*Set) bool) {
	seen := make(map[*Set]bool)
	var walk func(*Set) bool
	walk = func(s *Set) bool {
		if seen[s] {
			return true
		}
		seen[s] = true
		for _, p := range s.Parts {
			if !walk(p) {
				return false
			}
		}
		return len(s.Rules) == 0 || yield(s)
	}
	walk(s)
}

// A Rule is what is said about one call.
type Rule struct {
	Nr          uint32
	IncludingGo bool // the floor's word about the call is dropped too
	Doubt       bool // it has a mistake; Allow is Const(true), the most that it can mean
	Name        string
	Allow       Cond     // where the call is allowed; Const(false) for the verdict 0
	Else        []Clause // what it gets elsewhere, in order; where none holds, the stage's deny
	Origin      *Origin
}

// A Note is something a person should know that is no mistake.
type Note struct {
	File string
	Pos  rule.Pos
	Text string
}
