package lint

import (
	"strings"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// flagWords are arguments that are bits, of which callers set more than the policy's author thinks of.
var flagWords = [...]struct {
	call, arg string
	usual     string // the flag that Go never leaves out
	advice    string
}{
	{"socket", "type", "SOCK_CLOEXEC", "write (type & 0xf) == …"},
	{"socketpair", "type", "SOCK_CLOEXEC", "write (type & 0xf) == …"},
	{"open", "flags", "O_CLOEXEC", "write (flags & MASK) == …"},
	{"openat", "flags", "O_CLOEXEC", "write (flags & MASK) == …"},
	{"accept4", "flags", "SOCK_CLOEXEC", "write flags == SOCK_CLOEXEC|SOCK_NONBLOCK"},
	{"pipe2", "flags", "O_CLOEXEC", "write !(flags & ~(O_CLOEXEC|O_NONBLOCK))"},
	{"epoll_create1", "flags", "EPOLL_CLOEXEC", "write flags == EPOLL_CLOEXEC"},
	{"eventfd2", "flags", "EFD_CLOEXEC", "write flags == EFD_CLOEXEC|EFD_NONBLOCK"},
	{"dup3", "flags", "O_CLOEXEC", "write flags == O_CLOEXEC"},
	{"inotify_init1", "flags", "IN_CLOEXEC", "write !(flags & ~(IN_CLOEXEC|IN_NONBLOCK))"},
}

// arguments warns of conditions that hold for other calls than they seem to.
func (l *linter) arguments(r *policy.Rule) {
	call, ok := l.arch.CallNr(r.Nr)
	if !ok || !call.Known() {
		return
	}
	for i, a := range call.Args() {
		for _, w := range flagWords {
			if w.call != call.Name || w.arg != a.Name {
				continue
			}
			usual, _ := l.arch.Const(w.usual)
			if equals(r.Allow, uint8(i), uint64(usual), false) && !equals(r.Allow, uint8(i), uint64(usual), true) {
				l.warn(r.Origin, "this never holds for Go: %s of sys_%s is compared whole, and Go always sets %s in it: %s",
					a.Name, call.Name, w.usual, w.advice)
			}
		}
		if strings.HasSuffix(a.Name, "dfd") && asks(r.Allow, uint8(i)) {
			l.warn(r.Origin, "%s of sys_%s says little: the kernel ignores it where the path is absolute, and the filter "+
				"cannot see the path", a.Name, call.Name)
		}
	}
	l.readOnly(r, call)
}

// equals tells whether a condition compares a whole argument with a value that has a flag, or lacks it.
func equals(c policy.Cond, arg uint8, flag uint64, has bool) bool {
	return some(c, func(c policy.Cond) bool {
		x, ok := c.(policy.Range)
		return ok && x.Arg == arg && x.Lo == x.Hi && (x.Lo&flag != 0) == has
	})
}

// asks tells whether a condition looks at an argument.
func asks(c policy.Cond, arg uint8) bool {
	return some(c, func(c policy.Cond) bool {
		switch c := c.(type) {
		case policy.Range:
			return c.Arg == arg
		case policy.Masked:
			return c.Arg == arg
		case policy.Symbol:
			return c.Arg == arg
		}
		return false
	})
}

// some tells whether f holds of any part of a condition.
func some(c policy.Cond, f func(policy.Cond) bool) bool {
	switch c := c.(type) {
	case policy.Not:
		return some(c.X, f)
	case policy.And:
		for _, x := range c {
			if some(x, f) {
				return true
			}
		}
		return false
	case policy.Or:
		for _, x := range c {
			if some(x, f) {
				return true
			}
		}
		return false
	}
	return f(c)
}

// readOnly warns of a rule that lets files be opened for reading only, and leaves out that O_CREAT makes a file and
// O_TRUNC empties one all the same.
func (l *linter) readOnly(r *policy.Rule, call kernel.Call) {
	flags := flagsOf(call)
	if flags < 0 {
		return
	}
	bits := func(mask, value string) bdd.Node {
		m, _ := l.arch.Const(mask)
		v, _ := l.arch.Const(value)
		return l.decider.Cond(policy.Masked{Arg: uint8(flags), Bits: 32, Mask: uint64(m), Value: uint64(v)})
	}
	own := l.decider.Cond(r.Allow)
	reading := bits("O_ACCMODE", "O_RDONLY")
	if own == bdd.False || l.without(own, reading) != bdd.False {
		return
	}
	for _, flag := range []string{"O_CREAT", "O_TRUNC"} {
		if l.decider.And(own, bits(flag, flag)) != bdd.False {
			l.warn(r.Origin, "this is meant to be read-only and lets %s through: write (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) "+
				"== O_RDONLY", flag)
			return
		}
	}
}

// flagsOf returns the place of open's and openat's flags, -1 for another call.
func flagsOf(call kernel.Call) int {
	if call.Name != "open" && call.Name != "openat" {
		return -1
	}
	for i, a := range call.Args() {
		if a.Name == "flags" {
			return i
		}
	}
	return -1
}
