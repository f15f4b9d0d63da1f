package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// arch is what all the programs are for.
var arch, _ = kernel.ByName("amd64")

// A call is what the shared policy allows of one: with any arguments, or with one that has one of the values.
type call struct {
	name   string
	nr     uint32
	plain  bool
	arg    uint8
	values []uint64
}

// A shared is the policy that all are given, in a form that each can be told.
type shared struct {
	text  string
	table *policy.Table // ours, of the whole policy
	calls []call
}

// find returns a file below the module that is compared, from this directory or from that module's root.
func find(path string) (string, error) {
	for _, root := range []string{"../..", "."} {
		if name := filepath.Join(root, path); exists(name) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s is not here: run this in integration/peers", path)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func readShared() (*shared, error) {
	name, err := find("filter/testdata/server.policy")
	if err != nil {
		return nil, err
	}
	s := &shared{}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s.text = string(text)
	plan, err := planned(s.text)
	if err != nil {
		return nil, err
	}
	s.table = plan.Stages[0].Table
	for _, d := range s.table.Calls {
		c := call{name: d.Name, nr: d.Nr}
		switch first := d.Clauses[0]; {
		case !first.Action.Allows():
			continue
		case first.If == policy.Const(true):
			c.plain = true
		default:
			if c.arg, c.values, err = oneOf(first.If); err != nil {
				return nil, fmt.Errorf("%s: %w", d.Name, err)
			}
		}
		s.calls = append(s.calls, c)
	}
	return s, nil
}

// oneOf reads a condition that one argument has one of some values.
func oneOf(c policy.Cond) (arg uint8, values []uint64, err error) {
	or, ok := c.(policy.Or)
	if !ok {
		or = policy.Or{c}
	}
	for _, x := range or {
		r, ok := x.(policy.Range)
		if !ok || r.Hi-r.Lo > 8 {
			return 0, nil, fmt.Errorf("the peers are not told of conditions like %v", x)
		}
		arg = r.Arg
		for v := r.Lo; v <= r.Hi; v++ {
			values = append(values, v)
		}
	}
	return arg, values, nil
}

// sets returns the built-in sets anew, as a program carries them; one for another architecture reads their files.
func sets() policy.Library {
	if arch == kernel.Native() {
		return runtimeset.Native(runtimeset.Build{})
	}
	return runtimeset.For(runtimeset.Build{Arch: arch.Name})
}

// planned works out a policy as Lock does.
func planned(text string) (*stage.Plan, error) {
	f, err := rule.Parse("server.policy", text)
	if err != nil {
		return nil, err
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: sets()})
	if err != nil {
		return nil, err
	}
	return stage.New(p, nil)
}
