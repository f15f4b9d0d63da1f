package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
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
	hint := rule.DidYouMean(name, names)
	if hint == "" {
		hint = ": one that the tables don't have is named by its number, as nr(500)"
	}
	return 0, nil, wordf("unknown system call %q%s", name, hint)
}

// argument returns the register that an ARG is: a number or a constant expression.
func argument(arch *kernel.Arch, env stage.Env, text string) (uint64, error) {
	v, err := policy.Register(text, arch, env)
	var unknown *policy.NameError
	switch {
	case err == nil:
		return v, nil
	case errors.As(err, &unknown) && slices.Contains(envNames[:], unknown.Name):
		return 0, wordf("%s is not known here: %s", unknown.Name, sayEnv([]string{unknown.Name}))
	}
	return 0, wordf("%v", err)
}
