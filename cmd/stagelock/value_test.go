package main

import (
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

func TestArgument(t *testing.T) {
	arch, _ := kernel.ByName("amd64")
	env := stage.Env{"self.pid": 77}
	tests := map[string]uint64{
		"0": 0, "-1": 1<<64 - 1, "0x1f": 31, "0o17": 15, "017": 15,
		"AF_INET": 2, "PROT_READ|PROT_WRITE": 3, "AT_FDCWD": 1<<64 - 100, "~PROT_EXEC": ^uint64(4),
		"(O_RDWR|O_CREAT)": 0o102, "self.pid": 77, "0xffffffffffffffff": 1<<64 - 1,
	}
	for text, want := range tests {
		got, err := argument(arch, env, text)
		if err != nil || got != want {
			t.Errorf("%s: got %#x, %v, want %#x", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", "1 || fd == 2", "1 else kill", "1 including go", "1; sys_read: 1", "1 # x",
		"\n1\n\nsys_read: 1", "AF_INTE", "runtime.eventfd", "0x1ffffffffffffffff", "&", "1 && 2", "\x00"} {
		if x, err := argument(arch, env, text); err == nil {
			t.Errorf("%q is taken for %#x", text, x)
		}
	}
}

// TestEnvNames: the names that -env takes are those that the language has.
func TestEnvNames(t *testing.T) {
	arch, _ := kernel.ByName("amd64")
	for _, name := range envNames {
		f, err := rule.Parse("p", "sys_kill: pid == "+name)
		if err != nil {
			t.Fatal(err)
		}
		lib := runtimeset.For(runtimeset.Build{Arch: "amd64"})
		if _, err := policy.Check(f, policy.Target{Arch: arch, Sets: lib}); err != nil {
			t.Error(err)
		}
	}
}
