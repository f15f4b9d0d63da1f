package policy

import (
	"iter"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/rule"
)

// An ownSet is a set that the policy declares.
type ownSet struct {
	stmt *rule.Set
	file string // where it stands
	used bool
}

// declare takes down the names of the sets that a policy declares: they may be used before and after. It returns the
// places of the stages.
func (c *checker) declare(list []rule.Stmt) (stages []int) {
	defer func(file string) { c.file = file }(c.file)
	room := true // for more sets
	for i, x := range list {
		switch x := x.(type) {
		case *rule.Stage:
			stages = append(stages, i)
			if x.File != "" {
				c.file = x.File
			}
		case *rule.Set:
			room = room && c.declareSet(x)
		}
	}
	return stages
}

// declareSet takes down the name of a set. It is false where there is no room for another one.
func (c *checker) declareSet(x *rule.Set) bool {
	name := x.Name.Text
	if other, ok := c.own[name]; ok {
		c.errorf(ErrTwice, x.Name.Pos, "there is a set %s already, in %s", name, place(other.stmt.Pos))
		return true
	}
	if set, _ := c.lib.Set(name, c.arch); set != nil || name == AllSet || name == FloorSet || name == LockSet {
		c.errorf(ErrTwice, x.Name.Pos, "%s is the name of a built-in set: choose another", name)
	}
	if c.own == nil {
		c.own = make(map[string]*ownSet)
	}
	if len(c.own) == maxSets {
		c.errorf(bdd.ErrTooComplex, x.Pos, "this is one set too many: a policy has at most %d of its own", maxSets)
		return false
	}
	c.own[name] = &ownSet{stmt: x, file: c.file}
	return true
}

// unused checks the declared sets that nothing uses.
func (c *checker) unused(list []rule.Stmt) {
	if len(c.own) == 0 {
		return
	}
	for _, x := range list {
		x, ok := x.(*rule.Set)
		if !ok {
			continue
		}
		if own := c.own[x.Name.Text]; own != nil && own.stmt == x && !own.used {
			c.inFile(own.file, func() { c.notef(x.Pos, "nothing uses the set %s", x.Name.Text) })
		}
	}
	for _, x := range list {
		if x, ok := x.(*rule.Set); ok {
			if own := c.own[x.Name.Text]; own != nil && own.stmt == x {
				c.set(x.Name)
			}
		}
	}
}

// set returns the set that name means, nil where there is none or where it contains itself.
func (c *checker) set(name rule.Name) *Set {
	if set, ok := c.sets[name.Text]; ok {
		if set == nil {
			c.cycle(name)
		}
		return set
	}
	if own, ok := c.own[name.Text]; ok {
		own.used = true
		return c.ownSet(own)
	}
	if set := c.builtinSet(name.Text); set != nil {
		c.keep(name.Text, set)
		return set
	}
	if c.isMissing(name.Text) {
		return nil
	}
	hint := ""
	if c.errs.Wants(c.file, name.Pos) {
		if hint = c.didYouMean(name.Pos, name.Text, c.setNames()); hint == "" {
			hint = ": there are " + strings.Join(c.choice(name.Text), ", ")
		}
	}
	c.errorf(ErrUnknown, name.Pos, "unknown set %s%s", quote(name.Text), hint)
	return nil
}

// maxWay is how many sets of a cycle are named.
const maxWay = 8

func (c *checker) cycle(name rule.Name) {
	if c.torn {
		return // what was taken in by a set whose end is missing
	}
	way := c.open[slices.Index(c.open, name.Text):]
	if len(way) > maxWay {
		way = append(slices.Clone(way[:maxWay]), "…")
	}
	c.errorf(ErrCycle, name.Pos, "the set %s contains itself: %s → %[1]s", name.Text, strings.Join(way, " → "))
}

// setNames yields the names of all sets there are.
func (c *checker) setNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, name := range c.names() {
			if !yield(name) {
				return
			}
		}
		for name := range c.own {
			if !yield(name) {
				return
			}
		}
		yield(AllSet)
	}
}

// choice returns the names of built-in sets to choose from: the parts of what was named, or the wholes.
func (c *checker) choice(name string) []string {
	var parts, wholes []string
	for _, n := range c.names() {
		if strings.HasPrefix(n, name+".") {
			parts = append(parts, n)
		} else if !strings.Contains(n, ".") {
			wholes = append(wholes, n)
		}
	}
	if len(parts) > 0 {
		return parts
	}
	return wholes
}

// ownSet checks a set that the policy declares.
func (c *checker) ownSet(own *ownSet) *Set {
	x := own.stmt
	set := &Set{Name: x.Name.Text, Doc: lastParagraph(x.Notes().Before)}
	c.inFile(own.file, func() {
		c.fill(set, x.Body, &standing{Source: &Source{Kind: FromSet, Set: set.Name, File: c.file}})
	})
	return set
}

// builtinSet returns a built-in set, nil if there is none of that name.
func (c *checker) builtinSet(name string) *Set {
	if set, ok := c.sets[name]; ok {
		return set
	}
	switch {
	case name == AllSet:
		return c.all()
	case c.texts != nil:
		return c.read(name)
	}
	set, err := c.lib.Set(name, c.arch)
	c.adopt(err)
	return set
}

// keep takes down what a name means. Many policies name no set.
func (c *checker) keep(name string, set *Set) {
	if c.sets == nil {
		c.sets = make(map[string]*Set)
	}
	c.sets[name] = set
}

// inFile runs check with messages that speak of another file.
func (c *checker) inFile(name string, check func()) {
	defer func(file string) { c.file = file }(c.file)
	c.file = name
	check()
}

// all makes the set of all calls.
func (c *checker) all() *Set {
	set := &Set{Name: AllSet, Doc: "every system call that is known", Builtin: true}
	origin := &Origin{Source: &Source{Kind: FromSet, Set: AllSet}}
	for _, call := range c.arch.Calls() {
		set.Rules = append(set.Rules, Rule{Nr: call.Nr, Name: call.Name, Allow: Const(true), Origin: origin})
	}
	c.keep(AllSet, set)
	return set
}

// fill gives the body of a set its meaning.
func (c *checker) fill(set *Set, body []rule.Stmt, in *standing) {
	c.keep(set.Name, nil)
	c.open = append(c.open, set.Name)
	defer func() {
		c.sets[set.Name] = set
		c.open = c.open[:len(c.open)-1]
	}()
	seats := make([]seat, len(body))
	n := c.seat(body, seats)
	room := newBlock(len(body))
	to := room.first(n)
	set.Rules = to.rules
	for i, x := range body {
		switch x := x.(type) {
		case *rule.Use:
			for _, name := range x.Sets {
				if name.Text == FloorSet {
					c.errorf(ErrMisplaced, name.Pos, "go can't be part of a set: it is in force in every stage")
				} else if part := c.set(name); part != nil {
					set.Parts = append(set.Parts, part)
					set.Doubt = set.Doubt || part.Doubt
				} else {
					set.Doubt = true
				}
			}
		case *rule.Rule:
			if x.Call.Name == rule.OnNextSyscall {
				c.errorf(ErrMisplaced, x.Pos, "%s holds back a whole policy: it can't stand in a set", rule.OnNextSyscall)
				continue
			}
			if c.rule(&to, x, seats[i], in) == unknown {
				set.Doubt = true
			}
		case *rule.Broken:
			if r, ok := c.begun(x, in); ok {
				set.Rules = append(set.Rules, r)
			} else {
				set.Doubt = true
			}
		default:
			c.errorf(ErrMisplaced, x.Start(), "a set holds rules and use only")
		}
	}
	seatLate(set.Rules, n)
}

// lastParagraph returns the comment right above a statement, as a sentence.
func lastParagraph(lines []string) string {
	for {
		n := paragraph(lines)
		if n == len(lines) {
			return sentence(lines)
		}
		lines = lines[n+1:]
	}
}

// paragraph returns how many of the lines come before an empty one.
func paragraph(lines []string) int {
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			return i
		}
	}
	return len(lines)
}

func sentence(lines []string) string { return strings.TrimSpace(strings.Join(lines, " ")) }
