package launch

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
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
			// Nobody else can answer for it.
			seccomp, _ := arch.Call("seccomp")
			for flags, want := range map[uint64]policy.Action{1: table.Eval(seccomp.Nr, [6]uint64{1, 1}).Action,
				9: {Kind: policy.Errno, Errno: ebusy}, 1<<32 | 8: {Kind: policy.Errno, Errno: ebusy}} {
				was, is := table.Eval(seccomp.Nr, [6]uint64{1, flags}).Action, gated.Eval(seccomp.Nr, [6]uint64{1, flags}).Action
				if !closed || !was.Allows() {
					want = was
				}
				if is != want {
					t.Errorf("%s: %q: seccomp with flags %#x gets %v, want %v", name, text, flags, is, want)
				}
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

// Nor can anybody answer for a supervisor that is gone.
func TestReportedWithoutListeners(t *testing.T) {
	f, err := rule.Parse("p", "on_next_syscall: 1\nuse all\nsys_umask: 0\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range kernel.Names() {
		arch, _ := kernel.ByName(name)
		build := runtimeset.Running()
		build.Arch = name
		p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(build)})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := stage.New(p, nil)
		if err != nil {
			t.Fatal(err)
		}
		program, err := compileReported(plan.Stages[0].Table)
		if err != nil {
			t.Fatal(err)
		}
		m, err := bpf.NewMachine(program)
		if err != nil {
			t.Fatal(err)
		}
		for call, want := range map[string]uint32{"seccomp 8": retErrno | ebusy, "seccomp 1": retAllow, "umask 0": retUserNotif} {
			name, flags, _ := strings.Cut(call, " ")
			c, _ := arch.Call(name)
			n, _ := strconv.ParseUint(flags, 10, 64)
			data := bpf.Data{Nr: c.Nr, Arch: arch.Audit, Args: [6]uint64{1, n}, BigEndian: arch.BigEndian}
			if got, _ := m.Run(&data); got != want {
				t.Errorf("%s: %s gets %#x, want %#x", arch.Name, call, got, want)
			}
		}
	}
}

// SECCOMP_RET_ALLOW and SECCOMP_RET_ERRNO of <linux/seccomp.h>.
const retAllow, retErrno = 0x7fff0000, 0x00050000
