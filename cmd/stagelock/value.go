package main

import (
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// findCall returns the number of a call that a person named, and its entry in the tables, if they have one.
func findCall(arch *kernel.Arch, word string) (nr uint32, call *kernel.Call, err error) {
	if number, ok := strings.CutPrefix(word, "nr("); ok {
		n, err := strconv.ParseInt(strings.TrimSuffix(number, ")"), 0, 64)
		if err != nil || !strings.HasSuffix(number, ")") || n < -1 || n > 1<<32-1 {
			return 0, nil, wordf("%s: a call is named as openat or, by its number, as nr(257)", word)
		}
		nr = uint32(n)
		if c, ok := arch.CallNr(nr); ok {
			return nr, &c, nil
		}
		return nr, nil, nil
	}
	name := strings.TrimPrefix(word, "sys_")
	if c, ok := arch.Call(name); ok {
		return c.Nr, &c, nil
	}
	if kernel.KnownCall(name) {
		return 0, nil, wordf("%s has no system call %s: other architectures do", arch.Name, name)
	}
	names := func(yield func(string) bool) {
		for _, c := range arch.Calls() {
			if !yield(c.Name) {
				return
			}
		}
	}
	return 0, nil, wordf("unknown system call %q%s", name, rule.DidYouMean(name, names))
}

// argument returns the register that an ARG is: a number or a constant expression.
func argument(arch *kernel.Arch, env stage.Env, text string) (uint64, error) {
	v, err := parseValue(text)
	if err != nil {
		return 0, wordf("%s is no ARG: a number (-1, 0x1f, 0o17) or constants (AF_INET, PROT_READ|PROT_WRITE) are wanted", text)
	}
	return value(arch, env, v)
}

// errNoValue says that a text is no value.
var errNoValue = errors.New("no value")

// parseValue reads a value as the policy language has it. Its parser reads policies: so this is a rule with the value
// in it, and must not have become more.
func parseValue(text string) (rule.Value, error) {
	f, err := rule.Parse("", "nr(0): arg0 == "+text)
	if err != nil || len(f.Stmts) != 1 || len(f.Trailing) > 0 {
		return nil, errNoValue
	}
	r, ok := f.Stmts[0].(*rule.Rule)
	if !ok || len(r.Else) > 0 || r.IncludingGo || len(r.Notes().Before) > 0 || r.Notes().After != "" {
		return nil, errNoValue
	}
	c, ok := r.Verdict.(*rule.Compare)
	if !ok {
		return nil, errNoValue
	}
	return c.X, nil
}

// value returns what a value is in a register.
func value(arch *kernel.Arch, env stage.Env, v rule.Value) (uint64, error) {
	switch v := v.(type) {
	case *rule.Number:
		if v.Neg {
			return -v.Abs, nil
		}
		return v.Abs, nil
	case *rule.Ident:
		return constant(arch, env, v.Name)
	case *rule.Complement:
		x, err := value(arch, env, v.X)
		return ^x, err
	case *rule.Join:
		return joined(arch, env, v.X, 0, func(x, y uint64) uint64 { return x | y })
	case *rule.Meet:
		return joined(arch, env, v.X, 1<<64-1, func(x, y uint64) uint64 { return x & y })
	}
	return 0, errNoValue
}

func joined(arch *kernel.Arch, env stage.Env, list []rule.Value, x uint64, join func(x, y uint64) uint64) (uint64, error) {
	for _, v := range list {
		y, err := value(arch, env, v)
		if err != nil {
			return 0, err
		}
		x = join(x, y)
	}
	return x, nil
}

// constant returns the value of a constant of the kernel, or of one of the process's own values.
func constant(arch *kernel.Arch, env stage.Env, name string) (uint64, error) {
	if v, ok := arch.Const(name); ok {
		return uint64(v), nil
	}
	if slices.Contains(envNames[:], name) {
		v, ok := env[name]
		if !ok {
			return 0, wordf("%s is not known here: %s", name, sayEnv([]string{name}))
		}
		return v, nil
	}
	return 0, wordf("unknown constant %q%s", name, rule.DidYouMean(name, constNames(arch, name)))
}

// constNames yields the constants that begin as name does: there are too many to look at all.
func constNames(arch *kernel.Arch, name string) iter.Seq[string] {
	prefix := strings.ToUpper(name[:min(2, len(name))])
	return func(yield func(string) bool) {
		for c := range arch.ConstsWithPrefix(prefix) {
			if !yield(c.Name) {
				return
			}
		}
	}
}
