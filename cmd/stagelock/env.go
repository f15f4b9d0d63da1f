package main

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// envNames are the values that only the process itself knows: see stage.Env.
var envNames = [...]string{"runtime.epollfd", "runtime.eventfd", "self.pid"}

// An envFlag is -env NAME=NUMBER,…
type envFlag struct{ env stage.Env }

func (e *envFlag) flag(fs *flag.FlagSet) {
	fs.Var(e, "env", "what only the process itself knows, as `NAME=N,…`:\n"+strings.Join(envNames[:], ", "))
}

// String returns the values in the order of their names.
func (e *envFlag) String() string {
	var list []string
	for _, name := range envNames {
		if v, ok := e.env[name]; ok {
			list = append(list, fmt.Sprintf("%s=%d", name, v))
		}
	}
	return strings.Join(list, ",")
}

// Set reads the flag; given again, it adds to what was said.
func (e *envFlag) Set(text string) error {
	for _, item := range strings.Split(text, ",") {
		name, number, ok := strings.Cut(item, "=")
		if !ok {
			return fmt.Errorf("%q is not NAME=NUMBER", item)
		}
		if !slices.Contains(envNames[:], name) {
			if near := rule.Nearest(name, slices.Values(envNames[:])); near != "" {
				return fmt.Errorf("there is no %q: did you mean %q?", name, near)
			}
			return fmt.Errorf("there is no %q, but %s", name, strings.Join(envNames[:], ", "))
		}
		v, err := strconv.ParseUint(number, 0, 31) // pids and descriptors are never negative
		if err != nil {
			return fmt.Errorf("%s=%s: a number from 0 to %d is wanted", name, number, 1<<31-1)
		}
		if e.env == nil {
			e.env = stage.Env{}
		}
		e.env[name] = v
	}
	return nil
}

// standIn is the first of the values that stand for what is not known until a process runs: larger than any pid or
// descriptor (PID_MAX_LIMIT is 1<<22), and unlikely in a policy.
const standIn = 0x7ea51001

// withStandIns returns env with a value of its own for every name that it lacks, so that all shapes bind as they will
// in a process.
func withStandIns(env stage.Env) stage.Env {
	full := make(stage.Env, len(envNames))
	for i, name := range envNames {
		full[name] = standIn + uint64(i)
		if v, ok := env[name]; ok {
			full[name] = v
		}
	}
	return full
}

// named returns c with the names put back for stand-ins.
func named(c policy.Cond) policy.Cond {
	switch c := c.(type) {
	case policy.Range:
		if i := c.Lo - standIn; c.Lo == c.Hi && i < uint64(len(envNames)) {
			return policy.Symbol{Arg: c.Arg, Bits: c.Bits, Name: envNames[i]}
		}
	case policy.Not:
		return policy.Not{X: named(c.X)}
	case policy.And:
		return policy.And(namedAll(c))
	case policy.Or:
		return policy.Or(namedAll(c))
	}
	return c
}

func namedAll(parts []policy.Cond) []policy.Cond {
	list := make([]policy.Cond, len(parts))
	for i, c := range parts {
		list[i] = named(c)
	}
	return list
}

// missing returns the names of the values that the table's conditions still need, in order.
func missing(t *policy.Table) []string {
	var names []string
	var walk func(c policy.Cond)
	walk = func(c policy.Cond) {
		switch c := c.(type) {
		case policy.Symbol:
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		case policy.Not:
			walk(c.X)
		case policy.And:
			for _, x := range c {
				walk(x)
			}
		case policy.Or:
			for _, x := range c {
				walk(x)
			}
		}
	}
	for i := range t.Calls {
		for _, c := range t.Calls[i].Clauses {
			walk(c.If)
		}
	}
	slices.Sort(names)
	return names
}

// sayEnv is the end of a message about values that are missing: how to give them.
func sayEnv(names []string) string {
	return "say -env " + strings.Join(names, "=N,") + "=N"
}
