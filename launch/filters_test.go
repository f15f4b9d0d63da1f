package launch

import (
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// With its gate a table is still what it was but for execve, and what is compiled from it does that.
func TestGate(t *testing.T) {
	for _, text := range []string{
		"on_next_syscall: 1\nuse all\nsys_execve: 0\n",
		"on_next_syscall: 1\nuse all\nsys_execve: 0 else kill\nsys_execveat: 0\n",
		"on_next_syscall: 1\nuse file, net.client\nsys_socket: family in {AF_INET, AF_INET6}\n",
		"on_next_syscall: 1\nsys_read: (fd == 1) || (fd == 2)\nsys_write: (fd == 0)\nsys_exit: 1\n",
		"on_next_syscall: 1\nuse go, exec\n",
	} {
		f, err := rule.Parse("p", text)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range kernel.Names() {
			arch, _ := kernel.ByName(name)
			build := runtimeset.Running()
			build.Arch = name
			p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(build)})
			if err != nil {
				t.Logf("%s: %v", name, err)
				continue
			}
			plan, err := stage.New(p, nil)
			if err != nil {
				t.Fatal(err)
			}
			table := plan.Stages[0].Table
			execve, _ := arch.Call("execve")
			standIn := policy.Action{Kind: policy.Errno, Errno: 4095}
			gated, closed := gate(table, execve.Nr, standIn)
			programs, err := filter.Compile(gated, filter.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := filter.Verify(gated, programs...); err != nil {
				t.Errorf("%s: %q: %v", name, text, err)
			}
			path := [6]uint64{1 << 20, 1 << 20, 1 << 20}
			for _, c := range arch.Calls() {
				was, is := table.Eval(c.Nr, path).Action, gated.Eval(c.Nr, path).Action
				if c.Nr == execve.Nr && closed {
					if was.Allows() || is != standIn {
						t.Errorf("%s: %q: execve gets %v, was %v", name, text, is, was)
					}
				} else if is != was {
					t.Errorf("%s: %q: %s gets %v, was %v", name, text, c.Name, is, was)
				}
			}
		}
	}
}
