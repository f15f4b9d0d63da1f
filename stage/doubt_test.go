package stage

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// mistakes returns all that is wrong with a text, of grammar, meaning and stages.
func mistakes(t *testing.T, text string) string {
	t.Helper()
	arch, _ := kernel.ByName("amd64")
	f, _ := rule.Parse("p", text)
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: policy.Read(sets)})
	if p != nil {
		_, err = New(p, nil)
	}
	if err == nil {
		t.Fatalf("no mistake:\n%s", text)
	}
	return err.Error()
}

// TestAllMistakesAtOnce: those of grammar, meaning and stages come together, by place, and none that only follows from
// another.
func TestAllMistakesAtOnce(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"one of each kind", "stage init; use io, nett\nsys_getppid: 0\nstage b\nsys_getppid: 1\nsys_openat: flags = 0\nstage c\ndrop fils", `p:1:21: unknown set "nett": did you mean "net"?
p:4:1: sys_getppid: 1 would bring back what was given up in stage init (p:2)
p:5:19: found "=", expected an operator (== != < <= > >= & in) after "flags": did you mean "=="?
p:7:6: unknown set "fils": did you mean "files"?`},
		{"a rule that grants has a slip of grammar", "stage init; use io\nsys_openat: flags = 0\nstage b\nsys_openat: 1\nsys_connect: 1",
			`p:2:19: found "=", expected an operator (== != < <= > >= & in) after "flags": did you mean "=="?
p:5:1: sys_connect: 1 would bring back what was given up in stage init (p:1)`},
		{"a rule that grants has a wrong word", "stage init; use io\nsys_openat: flgs == 0\nstage b\nsys_openat: flags == 1\nsys_connect: 1",
			`p:2:13: openat has no argument "flgs": did you mean "flags"?
p:5:1: sys_connect: 1 would bring back what was given up in stage init (p:1)`},
		{"the call of a rule that grants is mistyped", "stage init; use io\nsys_opnat: 1\nsys_connect: 0\nstage b\nsys_openat: 1\nsys_connect: 1",
			`p:2:1: unknown system call "opnat": did you mean "openat"?
p:6:1: sys_connect: 1 would bring back what was given up in stage init (p:3)`},
		{"a set that grants is mistyped", "stage init; use neet\nsys_socket: family == AF_INET\nstage b\nsys_connect: 1\nsys_socket: family == AF_UNIX\nuse io\ndrop net",
			`p:1:17: unknown set "neet": did you mean "net"?
p:5:1: nothing is left of sys_socket: what this allows was given up in stage init (p:2); say sys_socket: 0`},
		{"the word use is mistyped", "stage init; uses net\nsys_getppid: 0\nstage b\nsys_connect: 1\ndrop net\nstage c\nsys_getppid: 1",
			`p:1:13: unknown statement "uses": did you mean "use"?
p:7:1: sys_getppid: 1 would bring back what was given up in stage init (p:2)`},
		{"a comma is missing between sets", "stage init; use io net\nstage b\ndrop net\nsys_getppid: 1", `p:1:20: found "net", expected "," or the end of the line`},
		{"something is wrong in a set of the policy", "stage init; set mine { sys_connect: fd = 1; sys_getppid: 1 }\nuse mine\nstage b\nsys_connect: 1\nsys_read: 1\nstage c\ndrop mine\nstage d\nsys_getppid: 1",
			`p:1:40: found "=", expected an operator (== != < <= > >= & in) after "fd": did you mean "=="?
p:5:1: sys_read: 1 would bring back what was given up in stage init (p:1)
p:9:1: sys_getppid: 1 would bring back what was given up in stage c (p:6)`},
		{"a set of the policy uses an unknown one", "stage init; set mine { use nett }\nset more { use mine }\nuse more\nstage b\nsys_connect: 1",
			`p:1:28: unknown set "nett": did you mean "net"?`},
		{"a set contains itself", "stage init; set a { use b; sys_read: 1 }\nset b { use a }\nuse b\nstage b\nsys_connect: 1",
			"p:1:25: the set b contains itself: b → a → b"},
		{"only ends what was in doubt", "stage init; use nett\nstage b\nonly io\nstage c\nsys_connect: 1\ndrop net",
			`p:1:17: unknown set "nett": did you mean "net"?
p:5:1: sys_connect: 1 would bring back what was given up in stage b (p:2)
p:6:6: drop of net, which is not in force: in force are io`},
		{"but not one with a mistake", "stage init; use all\nstage b\nonly io, nett\nstage c\nsys_connect: 1\ndrop net",
			`p:3:10: unknown set "nett": did you mean "net"?`},
		{"a drop that is mistyped", "stage init; use io, net\nstage b\ndrop nett\nstage c\nuse exec\ndrop io",
			`p:3:6: unknown set "nett": did you mean "net"?
p:5:5: set exec would bring back what was given up in stage init (p:1): clone, execve`},
		{"a stage that is mistyped", "stage init; use io\nsys_read: 1\nstag b\nsys_read: 0\nsys_connect: 0\nstage c\nsys_read: 1\nsys_connect: 1",
			`p:3:1: unknown statement "stag": did you mean "stage"?
p:8:1: sys_connect: 1 would bring back what was given up in stage init (p:5)`},
		{"a rule that holds is missing", "stage init; use net\nstage b\ndrop net\nsys_connect: fdd == 3\nstage c\nsys_connect: fd == 3\nsys_socket: 1",
			`p:4:14: connect has no argument "fdd": did you mean "fd"?
p:7:1: sys_socket: 1 would bring back what was given up in stage b (p:2)`},
		{"what a drop leaves is in doubt", "stage init; use io, open\nsys_fstat: fdd == 1\nstage b\ndrop open",
			`p:2:12: fstat has no argument "fdd": did you mean "fd"?`},
		{"a rule is given twice", "stage init; use io\nsys_connect: 0\nsys_connect: 1\nstage b\nsys_connect: 1\nsys_getppid: 1",
			`p:3:1: stage init has a rule about connect already, in line 2: join the two
p:6:1: sys_getppid: 1 would bring back what was given up in stage init (p:1)`},
		{"an else with a mistake", "stage init; sys_ptrace: 0 else kil\nsys_bpf: 0 else kill\nstage b\nsys_ptrace: 0 else errno(EPERM)\nsys_bpf: 0 else errno(EPERM)",
			`p:1:32: found "kil", expected an action: errno(NAME), kill, trap or log: did you mean "kill"?
p:5:1: errno EPERM weakens what sys_bpf gets already in stage init (p:2)`},
		{"a rule that narrows has a mistake", "stage init; use io\nstage b\nsys_connect: fdd == 1\nstage c\nsys_connect: 1",
			`p:3:14: connect has no argument "fdd": did you mean "fd"?
p:5:1: sys_connect: 1 would bring back what was given up in stage init (p:1)`},
		{"a drop beside a set that is mistyped", "stage init; use all\nstage b\nonly io\nstage c\nuse nett\ndrop net", `p:5:5: unknown set "nett": did you mean "net"?`},
		{"a later set has a mistake", "stage init; use io\nset mine { sys_connect: fdd == 1 }\nstage b\nuse mine",
			`p:2:25: connect has no argument "fdd": did you mean "fd"?`},
		{"a set with a mistake holds what another has", "stage init; set mine { sys_lseek: offst == 1 }\nset more { sys_lseek: offset == 0 }\nuse mine, more\nstage b\ndrop more",
			`p:1:35: lseek has no argument "offst": did you mean "offset"?`},
		{"more stands behind a rule", "sys_read: 1 1", `p:1:13: found "1", expected "else", "including go" or the end of the line`},
		{"an architecture's number", "stage init; nr(9999: 1\nstage b\nnr(9999): 1\nnr(9998): 1",
			`p:1:20: found ":", expected ")" after the number of the call
p:4:1: nr(9998): 1 would bring back what was given up in stage init (p:1)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, mistakes(t, tt.text)); diff != "" {
				t.Errorf("%s\n%s", tt.text, diff)
			}
		})
	}
}
