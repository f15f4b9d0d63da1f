package policy

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/ascii"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// lookup says what became of a name.
type lookup uint8

const (
	found   lookup = iota
	lacking        // a call of other architectures
	unknown        // reported
)

// find returns the call that a rule is about, which is at a place of the tables if it has a name, and what names mean in
// the rule's expressions, until it is called again.
func (c *checker) find(r *rule.Rule, at int32, builtin bool) (*scope, lookup) {
	x := &r.Call
	switch {
	case x.Nr != nil:
		return c.findNr(r, builtin)
	case at != notThere:
		nr, name := c.arch.NameAt(int(at))
		return c.scopeOf(nr, name, true, builtin), found
	case kernel.KnownCall(x.Name):
		return nil, lacking
	}
	c.errorf(ErrUnknown, r.Pos, "unknown system call %s%s", quote(x.Name), c.callHint(r))
	return nil, unknown
}

// callHint says what may be meant by a call that there isn't.
func (c *checker) callHint(r *rule.Rule) string {
	name := r.Call.Name
	if hint := c.didYouMean(r.Pos, name, callNames(c.arch)); hint != "" {
		return hint
	}
	inC := strings.TrimPrefix(strings.TrimPrefix(ascii.Lower(name), "sys_"), "__nr_") // SYS_read, __NR_read
	if kernel.KnownCall(inC) {
		return ": did you mean " + quote(inC) + "?"
	}
	return ": one that stagelock's tables don't have is named by its number, as in nr(500)"
}

func (c *checker) findNr(r *rule.Rule, builtin bool) (*scope, lookup) {
	x := &r.Call
	nr := x.Nr.Abs
	text := "nr(" + rule.FormatValue(x.Nr) + ")"
	switch {
	case x.Nr.Neg || nr >= nrLast:
		c.errorf(ErrType, x.Nr.Pos, "%s: the number of a system call lies between 0 and %d", text, nrLast-1)
		return nil, unknown
	case c.arch.Foreign(uint32(nr)):
		c.errorf(ErrType, x.Nr.Pos, "%s is a number of the x32 ABI, whose calls are killed whatever a policy says", text)
		return nil, unknown
	}
	call, ok := c.arch.CallNr(uint32(nr))
	if !ok {
		return c.scopeOf(uint32(nr), text, false, builtin), found
	}
	if !builtin {
		c.notef(r.Pos, "%s is %s on %s: the name says more, and is right on every architecture", text, call.Name,
			c.arch.Name)
	}
	return c.scopeOf(call.Nr, call.Name, true, builtin), found
}

func callNames(arch *kernel.Arch) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, call := range arch.Calls() {
			if !yield(call.Name) {
				return
			}
		}
	}
}

// scopeOf returns the scope of a rule's call: that of the rule before, changed.
func (c *checker) scopeOf(nr uint32, call string, named, builtin bool) *scope {
	s := &c.scope
	s.nr, s.call, s.named, s.builtin, s.asked = nr, call, named, builtin, false
	return s
}

// askArgs finds out what arguments the call has. Most rules name none.
func (s *scope) askArgs() {
	s.asked, s.args = true, s.argRoom[:0]
	call, ok := s.arch.CallNr(s.nr)
	if s.untyped = !ok || !call.Known(); !s.untyped {
		s.args = call.AppendArgs(s.args)
	}
}

// arg returns the argument that an expression names: the kernel's own names come first.
func (s *scope) arg(x rule.Name) (argument, bool) {
	if !s.asked {
		s.askArgs()
	}
	n, numbered := argNumber(x.Text)
	for i := range s.args {
		if s.args[i].Name != x.Text {
			continue
		}
		if numbered && n != i && !s.builtin { // of prctl arg2 is the second, as in prctl(2)
			s.notef(x.Pos, "%s is the kernel's own name for argument %d of %s, which is arg%d by position", x.Text, i+1,
				s.call, i)
		}
		return s.argument(x.Text, i), true
	}
	switch {
	case !numbered:
		s.errorf(ErrUnknown, x.Pos, "%s has no argument %s%s", s.call, quote(x.Text), s.argHint(x))
	case n > 5:
		s.errorf(ErrUnknown, x.Pos, "there is no %s: a system call has six arguments, arg0 to arg5", x.Text)
	case !s.untyped && n >= len(s.args):
		s.errorf(ErrUnknown, x.Pos, "%s has no %s%s", s.call, x.Text, s.argHint(x))
	default:
		return s.argument(x.Text, n), true
	}
	return argument{}, false
}

// argNumber returns the number of an argument that is named by its position.
func argNumber(name string) (n int, ok bool) {
	digit, ok := strings.CutPrefix(name, "arg")
	if !ok || len(digit) != 1 || digit[0] < '0' || digit[0] > '9' {
		return 0, false
	}
	return int(digit[0] - '0'), true
}

func (s *scope) argument(name string, i int) argument {
	a := argument{name: name, pos: uint8(i), typ: kernel.Type{Bits: uint8(s.arch.Bits)}}
	if i < len(s.args) {
		a.typ = s.args[i].Type
	}
	return a
}

// argHint says what there is in place of an argument that there isn't.
func (s *scope) argHint(x rule.Name) string {
	if s.untyped {
		return ": the names of its arguments aren't known, so say arg0 to arg5"
	}
	if len(s.args) == 0 {
		return ": it takes none"
	}
	names := make([]string, len(s.args))
	for i, a := range s.args {
		names[i] = a.Name
	}
	if hint := s.didYouMean(x.Pos, x.Text, slices.Values(names)); hint != "" {
		return hint
	}
	if len(s.args) == 1 && s.args[0].Type.Pointer && (s.call == "mmap" || s.call == "select") { // 386, arm, s390x
		hint := ": on " + s.arch.Name + " it takes a pointer to its arguments, which a filter can't see"
		if _, ok := s.arch.Call("mmap2"); ok && s.call == "mmap" {
			hint += "; what Go and libc call is mmap2"
		}
		return hint
	}
	return ": it takes " + strings.Join(names, ", ")
}

// constant returns the value of a constant of the kernel.
func (s *scope) constant(x *rule.Ident) (int64, bool) {
	v, ok := s.arch.Const(x.Name)
	if ok {
		return v, true
	}
	if slices.ContainsFunc(s.args, func(a kernel.Arg) bool { return a.Name == x.Name }) {
		s.errorf(ErrMisplaced, x.Pos, "%s is an argument, which can't be compared with another one", x.Name)
	} else {
		hint := s.didYouMean(x.Pos, x.Name, constNames(s.arch, x.Name))
		if hint == "" {
			hint = ": it is none of the kernel's headers' that stagelock knows, so write its number"
		}
		s.errorf(ErrUnknown, x.Pos, "unknown constant %s%s", quote(x.Name), hint)
	}
	return 0, false
}

// constNames yields the constants that begin as name does: there are too many to look at all.
func constNames(arch *kernel.Arch, name string) iter.Seq[string] {
	prefix := ascii.Upper(name[:min(2, len(name))])
	return func(yield func(string) bool) {
		for c := range arch.ConstsWithPrefix(prefix) {
			if !yield(c.Name) {
				return
			}
		}
	}
}

// The actions by name. allow is none: what a rule allows stands before its else.
var actions = [...]string{"errno", "kill", "log", "trap"}

// action gives a refusal its meaning.
func (c *checker) action(x *rule.Action) (Action, bool) {
	switch x.Name {
	case "kill":
		return Action{Kind: Kill}, true
	case "trap":
		return Action{Kind: Trap}, true
	case "log":
		return Action{Kind: Log}, true
	case "errno":
		return c.errno(x)
	case "allow":
		c.errorf(ErrMisplaced, x.Pos, "allow is no action: what is allowed stands in front, as 1 or as a condition")
		return Action{}, false
	}
	c.errorf(ErrUnknown, x.Pos, "unknown action %s%s", quote(x.Name), c.actionHint(x))
	return Action{}, false
}

func (c *checker) actionHint(x *rule.Action) string {
	if hint := c.didYouMean(x.Pos, x.Name, slices.Values(actions[:])); hint != "" {
		return hint
	}
	return ": there are errno(NAME), kill, trap and log"
}

func (c *checker) errno(x *rule.Action) (Action, bool) {
	switch v := x.Errno.(type) {
	case *rule.Number:
		if v.Neg || v.Abs < 1 || v.Abs > 4095 {
			c.errorf(ErrType, v.Pos, "errno(%s): an errno lies between 1 and 4095", rule.FormatValue(v))
			return Action{}, false
		}
		return Action{Errno, uint16(v.Abs)}, true
	case *rule.Ident:
		if n, ok := c.arch.Errno(v.Name); ok {
			return Action{Errno, uint16(n)}, true
		}
		hint := c.didYouMean(v.Pos, v.Name, c.errnoNames())
		if hint == "" {
			hint = ": an errno has the kernel's name, as EPERM, or a number, 1 to 4095"
		}
		c.errorf(ErrUnknown, v.Pos, "unknown errno %s%s", quote(v.Name), hint)
		return Action{}, false
	case nil:
		c.errorf(ErrMisplaced, x.Pos, "errno needs a name or a number, as in errno(EPERM)")
		return Action{}, false
	}
	c.errorf(ErrMisplaced, x.Errno.Start(), "errno takes one name or number, not %s", rule.FormatValue(x.Errno))
	return Action{}, false
}

// errnoNames yields the names of all errnos.
func (c *checker) errnoNames() iter.Seq[string] {
	for n := uint16(1); n < 1200 && !c.listed; n++ { // mips has the largest, EDQUOT: 1133
		if name, ok := c.arch.ErrnoName(n); ok {
			c.errnos = append(c.errnos, name)
		}
	}
	c.listed = true
	return slices.Values(c.errnos)
}

// reasonOf returns the comment on a rule.
func reasonOf(x *rule.Rule) string { return strings.TrimSpace(x.Notes().After) }

// place writes where something was said, for a message about the second time.
//
//go:noinline
func place(p rule.Pos) string { return fmt.Sprintf("line %d", p.Line) }

// callText names the call of a rule for a message.
func callText(r *Rule) string {
	if r.Name == "" {
		return fmt.Sprintf("nr(%d)", r.Nr)
	}
	return r.Name
}
