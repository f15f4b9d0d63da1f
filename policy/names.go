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

// find returns the call that a rule is about, which is at a place of the tables if the rule names it. The name is empty
// where they don't have the rule's number.
func (c *checker) find(r *rule.Rule, at int32, builtin bool) (nr uint32, name string, look lookup) {
	switch {
	case at != notThere:
		nr, name = c.arch.NameAt(int(at))
		return nr, name, found
	case r.Call.Nr != nil:
		return c.findNr(r, builtin)
	case kernel.KnownCall(r.Call.Name):
		return 0, "", lacking
	}
	c.errorf(ErrUnknown, r.Pos, "unknown system call %s%s", quote(r.Call.Name), c.callHint(r))
	return 0, "", unknown
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

func (c *checker) findNr(r *rule.Rule, builtin bool) (nr uint32, name string, look lookup) {
	x := r.Call.Nr
	nr = uint32(x.Abs)
	switch {
	case x.Neg || x.Abs >= nrLast:
		c.errorf(ErrType, x.Pos, "nr(%s): the number of a system call lies between 0 and %d", rule.FormatValue(x), nrLast-1)
		return 0, "", unknown
	case c.arch.Foreign(nr):
		c.errorf(ErrType, x.Pos, "nr(%s) is a number of the x32 ABI, whose calls are killed whatever a policy says",
			rule.FormatValue(x))
		return 0, "", unknown
	}
	if i, ok := c.arch.Index(nr); ok {
		if _, name = c.arch.NameAt(i); !builtin {
			c.notef(r.Pos, "nr(%s) is %s on %s: the name says more, and is right on every architecture", rule.FormatValue(x),
				name, c.arch.Name)
		}
	}
	return nr, name, found
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

// arg returns the argument that an expression names: the kernel's own names come first.
func (s *scope) arg(x rule.Name) (argument, bool) {
	n, numbered := argNumber(x.Text)
	call, _ := s.arch.CallNr(s.to.Nr)
	if arg, i, ok := call.Arg(x.Text); ok {
		if numbered && n != i && !s.builtin { // of prctl arg2 is the second, as in prctl(2)
			s.notef(x.Pos, "%s is the kernel's own name for argument %d of %s, which is arg%d by position", x.Text, i+1,
				s.call(), i)
		}
		return argument{x.Text, uint8(i), arg.Type}, true
	}
	args, known := s.args()
	switch {
	case !numbered:
		s.errorf(ErrUnknown, x.Pos, "%s has no argument %s%s", s.call(), quote(x.Text), s.argHint(x, args, known))
	case n > 5:
		s.errorf(ErrUnknown, x.Pos, "there is no %s: a system call has six arguments, arg0 to arg5", x.Text)
	case !known: // arg0 to arg5 are whole registers
		return argument{x.Text, uint8(n), kernel.Type{Bits: uint8(s.arch.Bits)}}, true
	case n >= len(args):
		s.errorf(ErrUnknown, x.Pos, "%s has no %s%s", s.call(), x.Text, s.argHint(x, args, known))
	default:
		return argument{x.Text, uint8(n), args[n].Type}, true
	}
	return argument{}, false
}

// args returns the arguments of the call, if they are known.
func (s *scope) args() (list []kernel.Arg, known bool) {
	call, ok := s.arch.CallNr(s.to.Nr)
	if !ok || !call.Known() {
		return nil, false
	}
	return call.Args(), true
}

// argNumber returns the number of an argument that is named by its position.
func argNumber(name string) (n int, ok bool) {
	digit, ok := strings.CutPrefix(name, "arg")
	if !ok || len(digit) != 1 || digit[0] < '0' || digit[0] > '9' {
		return 0, false
	}
	return int(digit[0] - '0'), true
}

// argHint says what there is in place of an argument that there isn't.
func (s *scope) argHint(x rule.Name, args []kernel.Arg, known bool) string {
	if !known {
		return ": the names of its arguments aren't known, so say arg0 to arg5"
	}
	if len(args) == 0 {
		return ": it takes none"
	}
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.Name
	}
	if hint := s.didYouMean(x.Pos, x.Text, slices.Values(names)); hint != "" {
		return hint
	}
	if len(args) == 1 && args[0].Type.Pointer && (s.to.Name == "mmap" || s.to.Name == "select") { // 386, arm, s390x
		hint := ": on " + s.arch.Name + " it takes a pointer to its arguments, which a filter can't see"
		if _, ok := s.arch.Call("mmap2"); ok && s.to.Name == "mmap" {
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
	args, _ := s.args()
	if slices.ContainsFunc(args, func(a kernel.Arg) bool { return a.Name == x.Name }) {
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
