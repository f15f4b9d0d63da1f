package oci

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/internal/dialecttest"
	"github.com/stagelock/seccomp/policy"
)

func options(arch string) Options { return Options{Options: dialect.Options{Arch: arch}} }

// agree compares a table with the other reading of the same text.
func agree(t *testing.T, text []byte, table *policy.Table) {
	t.Helper()
	f := load(t, text, table.Arch)
	for _, call := range table.Arch.Calls() {
		values := dialecttest.Edges
		if dialecttest.Plain(table, call.Nr) && len(f.rules[call.Name]) == 0 {
			values = values[:1]
		}
		dialecttest.Arguments(values, func(args [6]uint64) {
			want, ok := f.eval(call, args)
			if got := word(table.Eval(call.Nr, args).Action); ok && got != want && !t.Failed() {
				t.Errorf("%s with %#x gets %s, and libseccomp gives %s\n%s", call.Name, args, got, want, text)
			}
		})
	}
}

func TestContainerd(t *testing.T) {
	text, err := os.ReadFile("testdata/containerd.json")
	if err != nil {
		t.Fatal(err)
	}
	in, err := Read("containerd.json", text, options("amd64"))
	if err != nil {
		t.Fatal(err)
	}
	agree(t, text, in.Table)
	if len(in.Notes) != 1 || !strings.Contains(in.Notes[0].Text, "SCMP_ARCH_X86 or SCMP_ARCH_X32") {
		t.Errorf("notes: %v", in.Notes)
	}
}

// Docker's profile, of which some entries hold under circumstances only.
func TestDocker(t *testing.T) {
	text, err := os.ReadFile("testdata/docker.json")
	if err != nil {
		t.Fatal(err)
	}
	const (
		vsock = 40
		newns = 0x20000
	)
	allow, eperm, enosys := "allow", "errno EPERM", "errno ENOSYS"
	admin := []string{"CAP_SYS_ADMIN"}
	for _, test := range []struct {
		arch, kernel string
		caps         []string
		call         string
		args         [6]uint64
		want         string
	}{
		{arch: "amd64", call: "read", want: allow},
		{arch: "amd64", call: "socket", args: [6]uint64{2}, want: allow},
		{arch: "amd64", call: "socket", args: [6]uint64{vsock}, want: eperm},
		{arch: "amd64", call: "clone", want: allow},
		{arch: "amd64", call: "clone", args: [6]uint64{newns}, want: eperm},
		{arch: "amd64", caps: admin, call: "clone", args: [6]uint64{newns}, want: allow},
		{arch: "s390x", call: "clone", args: [6]uint64{newns, 0}, want: allow}, // its flags come second
		{arch: "s390x", call: "clone", args: [6]uint64{0, newns}, want: eperm},
		{arch: "amd64", call: "clone3", want: enosys},
		{arch: "amd64", caps: admin, call: "clone3", want: allow},
		{arch: "amd64", call: "mount", want: eperm},
		{arch: "amd64", caps: admin, call: "mount", want: allow},
		{arch: "amd64", call: "personality", args: [6]uint64{0xffffffff}, want: allow},
		{arch: "amd64", call: "personality", args: [6]uint64{1}, want: eperm},
		{arch: "amd64", call: "ptrace", want: allow},
		{arch: "amd64", kernel: "4.7", call: "ptrace", want: eperm},
		{arch: "amd64", kernel: "6.18.1-generic", call: "ptrace", want: allow},
		{arch: "amd64", call: "arch_prctl", want: allow},
		{arch: "386", call: "modify_ldt", want: allow},
		{arch: "arm64", call: "personality", args: [6]uint64{8}, want: allow},
	} {
		o := options(test.arch)
		o.Caps, o.Kernel = test.caps, test.kernel
		in, err := Read("docker.json", text, o)
		if err != nil {
			t.Fatal(err)
		}
		call, ok := in.Table.Arch.Call(test.call)
		if !ok {
			t.Fatalf("%s has no %s", test.arch, test.call)
		}
		if got := in.Table.Eval(call.Nr, test.args).Action.Text(in.Table.Arch); got != test.want {
			t.Errorf("%s %s %v, caps %v, kernel %q: %s, want %s", test.arch, test.call, test.args, test.caps, test.kernel, got,
				test.want)
		}
	}
}

// Both default profiles go into every architecture's policy and back.
func TestDefaultsGoEverywhere(t *testing.T) {
	for _, name := range []string{"docker", "containerd"} {
		text, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for arch := range arches {
			o := options(arch)
			in, err := Read(name, text, o)
			if err != nil {
				t.Fatalf("%s %s: %v", name, arch, err)
			}
			if _, err := dialect.Format(in, o.Options); err != nil {
				t.Errorf("%s %s to stagelock: %v", name, arch, err)
			}
			if _, err := Write(in, o.Options); err != nil {
				t.Errorf("%s %s to OCI: %v", name, arch, err)
			}
		}
	}
}

// random returns a profile with entries of every kind.
func random(r *rand.Rand) []byte {
	actions := []string{"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_LOG"}
	names := []string{"socket", "mmap", "clone", "ioctl", "getpid", "openat", "write", "bind", "socketcall"}
	action := func(key, errno string) string {
		a := actions[r.Intn(len(actions))]
		if a == "SCMP_ACT_ERRNO" && r.Intn(2) == 0 {
			return fmt.Sprintf("%q: %q, %q: %d", key, a, errno, 1+r.Intn(40))
		}
		return fmt.Sprintf("%q: %q", key, a)
	}
	value := func() uint64 { return dialecttest.Edges[r.Intn(len(dialecttest.Edges))] }
	var entries []string
	for range 1 + r.Intn(8) {
		var args []string
		for range r.Intn(4) {
			args = append(args, fmt.Sprintf(`{"index": %d, "value": %d, "valueTwo": %d, "op": %q}`, r.Intn(3), value(), value(),
				operators[r.Intn(len(operators))]))
		}
		entries = append(entries, fmt.Sprintf(`{"names": [%q, %q], %s, "args": [%s]}`, names[r.Intn(len(names))],
			names[r.Intn(len(names))], action("action", "errnoRet"), strings.Join(args, ", ")))
	}
	return fmt.Appendf(nil, "{%s, \"syscalls\": [\n%s]}", action("defaultAction", "defaultErrnoRet"), strings.Join(entries, ",\n"))
}

// What is read is what libseccomp does; it is the same after it was written; and in the policy language it is no more.
func TestRandomProfiles(t *testing.T) {
	for arch, seeds := range map[string]int64{"amd64": 60, "386": 20, "s390x": 20} {
		t.Run(arch, func(t *testing.T) { randomProfiles(t, arch, seeds) })
	}
}

func randomProfiles(t *testing.T, arch string, seeds int64) {
	read := int64(0)
	for seed := range seeds {
		text := random(rand.New(rand.NewSource(seed)))
		o := options(arch)
		in, err := Read("random", text, o)
		if errors.Is(err, dialect.ErrLoss) && strings.Contains(err.Error(), "gives no order") {
			o.Approximate = true
			in, err = Read("random", text, o)
		}
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		read++
		agree(t, text, in.Table)
		out, err := Write(in, o.Options)
		if err == nil {
			again, err := Read("again", []byte(out.Text), options(arch))
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, out.Text)
			}
			if nr, args, wider := dialecttest.Wider(dialect.Joined(in.Table), again.Table, dialecttest.Edges); wider {
				t.Fatalf("seed %d: call %d with %#x is allowed\n%s\n%s", seed, nr, args, text, out.Text)
			}
		} else if !errors.Is(err, dialect.ErrLoss) {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		o.Approximate = true
		if _, err := dialect.Format(in, o.Options); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
	}
	if read < seeds {
		t.Errorf("only %d profiles were read", read)
	}
}

// A call that is made by another number too is refused there as well, and no profile opens that by what it allows of the
// call with some arguments.
func TestMultiplexers(t *testing.T) {
	const allowAll, refuseAll = `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [`, `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [`
	for _, test := range []struct {
		text, arch string
		wants      []string // what socketcall gets with 1, which is socket, and 2
	}{
		{allowAll + `{"names": ["socket"], "action": "SCMP_ACT_ERRNO"}]}`, "386", []string{"errno EPERM", "allow"}},
		{allowAll + `{"names": ["socket"], "action": "SCMP_ACT_KILL_PROCESS", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]}`,
			"ppc64le", []string{"kill", "allow"}},
		{allowAll + `{"names": ["shmat"], "action": "SCMP_ACT_ERRNO"}]}`, "386", []string{"allow", "allow"}},
		{refuseAll + `{"names": ["socket"], "action": "SCMP_ACT_ALLOW"}]}`, "s390x", []string{"allow", "errno EPERM"}},
		{refuseAll + `{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]}`,
			"mips", []string{"allow", "errno EPERM"}},
		{refuseAll + `{"names": ["socket"], "action": "SCMP_ACT_ALLOW"}, {"names": ["socketcall"], "action": "SCMP_ACT_TRAP"}]}`, "mips",
			[]string{"trap", "trap"}},
	} {
		in, err := Read("p", []byte(test.text), options(test.arch))
		if err != nil {
			t.Fatal(err)
		}
		call, _ := in.Table.Arch.Call("socketcall")
		for i, want := range test.wants {
			if got := in.Table.Eval(call.Nr, [6]uint64{uint64(i) + 1}).Action.Text(in.Table.Arch); got != want {
				t.Errorf("%s on %s: socketcall(%d) gets %s, want %s", test.text, test.arch, i+1, got, want)
			}
		}
	}
}

// A policy that limits sockets by their arguments, and allows nothing by socketcall, says more than a profile can.
func TestMultiplexersAreClosed(t *testing.T) {
	arch := dialecttest.Arch(t, "s390x")
	socket, _ := arch.Call("socket")
	bind, _ := arch.Call("bind")
	always := func(a policy.Action) policy.Clause {
		return dialect.Always(a, &policy.Origin{Source: &policy.Source{}})
	}
	family := func(a policy.Action, f uint64) policy.Clause {
		c := always(a)
		c.If = policy.Range{Bits: 32, Lo: f, Hi: f}
		return c
	}
	allow, rest := policy.Action{Kind: policy.Allow}, always(policy.Action{Kind: policy.Errno, Errno: 1})
	for name, clauses := range map[string][]policy.Clause{
		"a family":                     {family(allow, 2)},
		"two, of which one is refused": {family(allow, 2), family(policy.Action{Kind: policy.Errno, Errno: 97}, 16)},
	} {
		table := dialect.NewTable(arch, map[uint32][]policy.Clause{socket.Nr: clauses, bind.Nr: {always(allow)}}, rest, rest)
		in := &dialect.Reading{Source: "p", Table: table}
		if _, err := Write(in, dialect.Options{Arch: "s390x"}); !errors.Is(err, dialect.ErrLoss) {
			t.Errorf("%s: %v, want a loss", name, err)
		}
		out, err := Write(in, dialect.Options{Arch: "s390x", Approximate: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := Read("again", []byte(out.Text), options("s390x"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if nr, args, wider := dialecttest.Wider(in.Table, again.Table, dialecttest.Edges); wider {
			t.Errorf("%s: call %d with %#x is allowed\n%s", name, nr, args, out.Text)
		}
	}
}

// What holds on some kernels only is refused, whichever way a profile says it, unless the kernel is known.
func TestUnknownKernel(t *testing.T) {
	entry := func(fallback, action, circumstances string) string {
		return fmt.Sprintf(`{"defaultAction": %q, "syscalls": [{"names": ["bpf"], "action": %q, %s}]}`, fallback, action, circumstances)
	}
	const allow, eperm = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
	for _, test := range []struct{ text, kernel, want string }{
		{entry(eperm, allow, `"includes": {"minKernel": "4.8"}`), "", "allow"},
		{entry(eperm, allow, `"includes": {"minKernel": "5.1"}`), "", "errno EPERM"},
		{entry(eperm, allow, `"includes": {"minKernel": "5.1"}`), "5.1", "allow"},
		{entry(eperm, allow, `"excludes": {"minKernel": "5.1"}`), "", "errno EPERM"},
		{entry(eperm, allow, `"excludes": {"minKernel": "5.1"}`), "5.0", "allow"},
		{entry(allow, eperm, `"includes": {"minKernel": "5.1"}`), "", "errno EPERM"},
		{entry(allow, eperm, `"includes": {"minKernel": "5.1"}`), "5.0", "allow"},
		{entry(allow, eperm, `"excludes": {"minKernel": "5.1"}`), "", "errno EPERM"},
		{entry(allow, eperm, `"excludes": {"minKernel": "5.1"}`), "5.1", "allow"},
		{entry(allow, eperm, `"excludes": {"minKernel": "4.8"}`), "", "allow"},
		{entry(allow, eperm, `"includes": {"minKernel": "5.1", "caps": ["CAP_BPF"]}`), "", "allow"},
	} {
		o := options("amd64")
		o.Kernel = test.kernel
		in, err := Read("p", []byte(test.text), o)
		if err != nil {
			t.Fatal(err)
		}
		call, _ := in.Table.Arch.Call("bpf")
		if got := in.Table.Eval(call.Nr, [6]uint64{}).Action.Text(in.Table.Arch); got != test.want {
			t.Errorf("%s, kernel %q: %s, want %s", test.text, test.kernel, got, test.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	const head = `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [`
	for _, test := range []struct{ text, want string }{
		{`{"defaultAktion": "SCMP_ACT_ERRNO"}`, `p:1:2: unknown key "defaultAktion" in the profile: did you mean "defaultAction"?`},
		{`{}`, `p:1:1: defaultAction is missing: what a call gets that no entry names`},
		{`{"defaultAction": "SCMP_ACT_ALOW"}`, `p:1:19: unknown action "SCMP_ACT_ALOW": did you mean "SCMP_ACT_ALLOW"?`},
		{`{"defaultAction": "SCMP_ACT_KILL"}`, `p:1:19: SCMP_ACT_KILL kills one thread and leaves the process half dead, which ` +
			`stagelock never does (with -approximate: the whole process is killed)`},
		{head + `{"names": ["read"]}]}`, `p:1:50: action is missing: what these calls get`},
		{head + "\n" + `{"names": "read", "action": "SCMP_ACT_ALLOW"}]}`, `p:2:11: names is a list, not "read"`},
		{head + "\n" + `{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}`,
			`p:2:68: index is 6, and can be 5 at most`},
		{head + "\n" + `{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]}]}`,
			`p:2:80: value is a whole number from 0 on, not -1`},
		{head + "\n" + `{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EG"}]}]}`,
			`p:2:89: unknown op "SCMP_CMP_EG": did you mean "SCMP_CMP_EQ"?`},
		{head + `{"names": ["read"], "action": "SCMP_ACT_ALLOW", "action": "SCMP_ACT_TRAP"}]}`,
			`p:1:98: action is there twice: first in line 1`},
		{`{"defaultAction": "SCMP_ACT_ERRNO",`, `p:1:36: the JSON ends too early`},
		{`{"defaultAction": "SCMP_ACT_ERRNO"} x`, `p:1:37: something follows after the end of the JSON value`},
		{`{"defaultAction" "SCMP_ACT_ERRNO"}`, `p:1:18: no JSON: invalid character '"' after object key`},
		{`{"ociVersion": "1.2.0"}`, `p:1:1: this config.json has no linux.seccomp: a container of it gets no filter`},
		{head + "\n" + `{"names": ["dup"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_LT"}]},` + "\n" +
			`{"names": ["dup"], "action": "SCMP_ACT_TRAP", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]}]}`,
			`p:2:12: this entry for dup and that of line 3 say different things of the same arguments, and libseccomp gives no ` +
				`order (with -approximate: the stricter one wins)`},
	} {
		_, err := Read("p", []byte(test.text), options("amd64"))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

// A refusal that names no call refuses nothing: a runtime goes past it in silence, and a person should know.
func TestMisspeltCall(t *testing.T) {
	in, err := Read("p", []byte(`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["pttrace"], "action": "SCMP_ACT_ERRNO"}]}`),
		options("amd64"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `unknown system call "pttrace", which a runtime goes past in silence: did you mean "ptrace"?`
	if len(in.Notes) != 1 || in.Notes[0].Text != want {
		t.Errorf("notes: %v", in.Notes)
	}
}
