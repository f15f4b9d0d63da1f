package seccomp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// TestMistakesInCode: what a program says in code is wrong in as many ways as a policy, and all of them are told at once.
func TestMistakesInCode(t *testing.T) {
	declared, err := rule.Parse("p", "stage init\nuse file\nsys_getppid: 0\nstage serve\ndrop file.write")
	if err != nil {
		t.Fatal(err)
	}
	handle := func(name string) *Handle { return Stage(name) }
	tests := []struct {
		name     string
		declared *rule.File
		handles  []*Handle
		want     string
	}{
		{"grammar, meaning and stages", declared, []*Handle{
			handle("init").Rules("sys_getppid: 1").Rules("sys_openat: flags = 0\nsys_raed: 0"),
			handle("serve").Use("fil.read").Rules("sys_bpf: 1"),
		}, `Stage("init"):1:1: sys_getppid: 1 would bring back what was given up in stage init (p:3)
Stage("init"):1:19: found "=", expected an operator (== != < <= > >= & in) after "flags": did you mean "=="?
Stage("init"):2:1: unknown system call "raed": did you mean "read"?
Stage("serve"):1:1: unknown set "fil.read": did you mean "file.read"?
Stage("serve"):1:1: sys_bpf: 1 would bring back what was given up in stage init (p:1)`},
		{"without a policy", nil, []*Handle{
			handle("a").Use("file.oi").Rules("sys_read: fd = 1\nsys_getppid: 0"),
			handle("b").Rules("sys_read: 1\nsys_getppid: 1; sys_ptrace: 1"),
		}, `Stage("a"):1:1: unknown set "file.oi": did you mean "file.io"?
Stage("a"):1:14: found "=", expected an operator (== != < <= > >= & in) after "fd": did you mean "=="?
Stage("b"):2:1: sys_getppid: 1 would bring back what was given up in stage a (Stage("a"):2)`},
		{"what is missing grants nothing wrong", nil, []*Handle{
			handle("a").Use().Rules("").Rules("stage c"),
			handle("b").Use("file").Rules("sys_getppid: 1"),
		}, `Stage("a"):1:1: Use names no set: is the list that it was given empty?
Stage("a"):1:1: Rules says nothing: was the text read?
Stage("a"):1:1: a stage inside a stage: Rules says more about one, Declare takes whole policies`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := composed(tt.handles)
			if tt.declared != nil {
				f = narrowed(tt.declared, tt.handles)
			}
			p, err := check(f)
			if err == nil {
				_, err = stage.New(p, nil)
			}
			if err == nil {
				t.Fatal("no mistake")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
