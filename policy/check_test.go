package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// What is compared is what the kernel reads of a register: its low bits, in the sign of the argument's type.
func TestComparisons(t *testing.T) {
	const (
		atFdcwd = 1<<64 - 100 // sign-extended, as libc passes it
		high    = 1 << 32     // a bit that no 32-bit argument has
	)
	tests := []struct {
		call, text string
		arg        int
		yes, no    []uint64
	}{
		{"write", "fd == 1", 0, []uint64{1, 1 | high}, []uint64{0, 2, 2 | high, high}},
		{"write", "fd != 1", 0, []uint64{0, 2, high}, []uint64{1, 1 | high}},
		{"write", "fd < 3", 0, []uint64{0, 2, 2 | high}, []uint64{3, 1<<32 - 1}},
		{"write", "fd <= 3", 0, []uint64{0, 3}, []uint64{4, 1<<32 - 1}},
		{"write", "fd > 3", 0, []uint64{4, 1<<32 - 1}, []uint64{0, 3, high}},
		{"write", "fd >= 3", 0, []uint64{3, 1<<32 - 1}, []uint64{0, 2, high}},
		{"write", "count == 0x100000001", 2, []uint64{high | 1}, []uint64{1, high}},
		{"write", "count > 0xffffffff", 2, []uint64{high, 1<<64 - 1}, []uint64{0, 1<<32 - 1}},
		{"write", "count == 18446744073709551615", 2, []uint64{1<<64 - 1}, []uint64{1<<32 - 1}},
		{"write", "buf == 0", 1, []uint64{0}, []uint64{1, high}},
		{"write", "buf != 0", 1, []uint64{1, high}, []uint64{0}},
		{"write", "arg1 != 0", 1, []uint64{1, high}, []uint64{0}},
		{"write", "fd in {0, 2, 5..7}", 0, []uint64{0, 2, 5, 6, 7, 7 | high}, []uint64{1, 3, 4, 8}},
		{"write", "fd in {1..10, 3..5}", 0, []uint64{1, 7, 10}, []uint64{0, 11}},
		{"write", "!(fd in {0, 2})", 0, []uint64{1, 3}, []uint64{0, 2, 2 | high}},
		{"openat", "dfd == AT_FDCWD", 0, []uint64{atFdcwd, 1<<32 - 100}, []uint64{100, 0, 1<<32 - 99}},
		{"openat", "dfd < 0", 0, []uint64{atFdcwd, 1 << 31, 1<<32 - 1}, []uint64{0, 1<<31 - 1, high}},
		{"openat", "dfd >= -1", 0, []uint64{1<<32 - 1, 0, 1<<31 - 1}, []uint64{1<<32 - 2, 1 << 31}},
		{"openat", "dfd > -100 && dfd <= 5", 0, []uint64{1<<32 - 99, 0, 5}, []uint64{atFdcwd, 6}},
		{"openat", "dfd in {-2..2}", 0, []uint64{1<<32 - 2, 1<<64 - 1, 0, 2}, []uint64{3, 1<<32 - 3}},
		{"openat", "dfd in {-7, -5..-3, 9}", 0, []uint64{1<<32 - 7, 1<<32 - 4, 9}, []uint64{0, 1<<32 - 6, 7}},
		{"openat", "mode == 0o644", 3, []uint64{0o644, 0o644 | 1<<16, 0o644 | high}, []uint64{0o645, 1 << 16}},
		{"openat", "mode <= 0o777", 3, []uint64{0, 0o777, 1 << 16}, []uint64{0o1000, 1 << 15}},
		{"openat", "flags & O_CREAT", 2, []uint64{0o100, 0o102, 0o100 | high}, []uint64{0, 2, high}},
		{"openat", "flags & (O_CREAT|O_TRUNC)", 2, []uint64{0o100, 0o1000, 0o1100}, []uint64{0, 2}},
		{"openat", "(flags & (O_CREAT|O_TRUNC)) == O_CREAT", 2, []uint64{0o100, 0o102}, []uint64{0o1100, 0o1000, 0}},
		{"openat", "(flags & O_ACCMODE) != O_RDONLY", 2, []uint64{1, 2, 3}, []uint64{0, 4, high}},
		{"openat", "(flags & O_ACCMODE) in {O_RDONLY, O_RDWR}", 2, []uint64{0, 2, 4}, []uint64{1, 3}},
		{"openat", "(flags & 0xf0) in {0x20..0x40}", 2, []uint64{0x20, 0x3f, 0x4f}, []uint64{0x1f, 0x50, 0}},
		{"openat", "(flags & 0xf0) < 0x25", 2, []uint64{0, 0x2f, 0x10f}, []uint64{0x30, 0xff}},
		{"openat", "(flags & 0xa5) <= 0x21", 2, []uint64{0, 0x21, 0x5b}, []uint64{0x24, 0x25, 0x80}},
		{"openat", "(flags & 0xa5) > 0x21", 2, []uint64{0x24, 0x25, 0x80}, []uint64{0, 0x21, 0x5b}},
		{"openat", "(flags & 0xa5) >= 0x21", 2, []uint64{0x21, 0x24, 0x80}, []uint64{0, 0x20, 0x5a}},
		{"openat", "(flags & ~O_CREAT) == 0", 2, []uint64{0, 0o100, high}, []uint64{1, 1 << 31}},
		{"openat", "flags == ~0", 2, []uint64{1<<32 - 1, 1<<64 - 1}, []uint64{0, 1}},
		{"nr(4711)", "arg5 == 0xffffffffffffffff", 5, []uint64{1<<64 - 1}, []uint64{1<<32 - 1}},
	}
	for _, tt := range tests {
		c := mustCheck(t, tt.call+": "+tt.text+"\n").Stages[0].Rules[0].Allow
		for want, values := range map[bool][]uint64{true: tt.yes, false: tt.no} {
			for _, v := range values {
				args := [6]uint64{}
				args[tt.arg] = v
				if c.Holds(&args) != want {
					t.Errorf("%s: %s: %#x: want %v\n%#v", tt.call, tt.text, v, want, c)
				}
			}
		}
	}
}

// A masked comparison agrees with the arithmetic for all values of 8 bits.
func TestMaskedAtMost(t *testing.T) {
	a := argument{name: "x", typ: kernel.Type{Bits: 16}}
	for mask := range uint64(256) {
		for most := range uint64(256) {
			c := a.maskedAtMost(mask, most)
			for _, x := range []uint64{0, 1, mask, most, mask & most, mask ^ 0xff, most + 1, 0x55, 0xaa, 0xff} {
				if got, want := c.Holds(&[6]uint64{x}), x&mask <= most; got != want {
					t.Fatalf("%#x & %#x <= %#x: %v\n%#v", x, mask, most, got, c)
				}
			}
		}
	}
}

func TestTableEval(t *testing.T) {
	arch := target(t, "amd64").Arch
	tab := &Table{
		Arch: arch,
		Calls: []Decision{
			{Nr: 1, Clauses: []Clause{
				{If: Range{0, 32, 1, 2}, Action: Action{Kind: Allow}},
				{If: Range{0, 32, 2, 3}, Action: Action{Kind: Trap}},
				{If: Const(true), Action: Action{Errno, 13}},
			}},
			{Nr: 7, Clauses: []Clause{{If: Const(true), Action: Action{Kind: Log}}}},
		},
		Foreign: Clause{If: Const(true)},
		Other:   Clause{If: Const(true), Action: Action{Errno, 38}},
	}
	tests := []struct {
		nr   uint32
		arg  uint64
		want string
	}{
		{1, 1, "allow"}, {1, 2, "allow"}, {1, 3, "trap"}, {1, 4, "errno EACCES"}, {1, 1<<32 | 2, "allow"},
		{7, 0, "log"}, {0, 0, "errno ENOSYS"}, {2, 0, "errno ENOSYS"}, {8, 0, "errno ENOSYS"},
		{1 << 30, 0, "kill"}, {1<<30 + 1, 1, "kill"}, {1<<32 - 1, 0, "errno ENOSYS"},
	}
	for _, tt := range tests {
		if got := tab.Eval(tt.nr, [6]uint64{tt.arg}).Action.Text(arch); got != tt.want {
			t.Errorf("nr %d, %#x: %s, want %s", tt.nr, tt.arg, got, tt.want)
		}
	}
}

func TestActions(t *testing.T) {
	all := []Action{{Kind: Kill}, {Kind: Trap}, {Errno, 1}, {Errno, 4095}, {Kind: Log}, {Kind: Allow}}
	for i, a := range all {
		if back, ok := ActionOf(a.Ret()); !ok || back != a {
			t.Errorf("ActionOf(%#x) = %v, %v", a.Ret(), back, ok)
		}
		for j, b := range all {
			want := all[min(i, j)]
			if a.Kind == Errno && b.Kind == Errno {
				want = a // the newer
			}
			if got := a.Strictest(b); got != want {
				t.Errorf("%v over %v: %v, want %v", a, b, got, want)
			}
		}
	}
	for _, ret := range []uint32{0, 0x7ff00000, 0x7fc00000, 0x7fff0001, 0x80000001, 0x00051000} {
		if a, ok := ActionOf(ret); ok {
			t.Errorf("ActionOf(%#x) = %v", ret, a)
		}
	}
	for arch, want := range map[string]string{"amd64": "errno ENOSYS", "mips64": "errno 38"} {
		if got := (Action{Errno, 38}).Text(target(t, arch).Arch); arch == "amd64" && got != want {
			t.Errorf("%s: %s, want %s", arch, got, want)
		}
	}
	if got := (Action{Errno, 89}).Text(target(t, "mips64").Arch); got != "errno ENOSYS" {
		t.Errorf("mips64: %s", got)
	}
}

func TestStages(t *testing.T) {
	p := mustCheck(t, `
deny kill
sys_read: 1   # in front

stage a
    use file, own
    sys_write: fd == 1 else trap if fd == 2 else errno(EACCES)
stage b
    deny errno(7)
    drop file.read, net
    only file.io, own
    sys_mmap: 0 including go
set own { use net; sys_close: fd > 2 }   # declared late
`)
	if len(p.Notes) > 0 || p.Deferred || p.NoFloor {
		t.Errorf("notes %v, deferred %v, no floor %v", p.Notes, p.Deferred, p.NoFloor)
	}
	a, b := p.Stages[0], p.Stages[1]
	if a.Name != "a" || b.Name != "b" || a.Pos != (rule.Pos{Line: 5, Col: 1}) || b.Pos.Line != 8 {
		t.Errorf("stages %s %v, %s %v", a.Name, a.Pos, b.Name, b.Pos)
	}
	if a.Deny != (Action{Kind: Kill}) || b.Deny != (Action{Errno, 7}) || a.DenyPos.Line != 2 || b.DenyPos.Line != 9 {
		t.Errorf("deny %v at %v, %v at %v", a.Deny, a.DenyPos, b.Deny, b.DenyPos)
	}
	want := []*Origin{
		{&Source{Kind: FromRule, Stage: "a", File: "p"}, 3, 1, "in front"},
		{&Source{Kind: FromRule, Stage: "a", File: "p"}, 7, 5, ""},
	}
	if diff := cmp.Diff(want, []*Origin{a.Rules[0].Origin, a.Rules[1].Origin}); diff != "" {
		t.Error(diff)
	}
	if e := a.Rules[1].Else; len(e) != 2 || e[0].Action.Kind != Trap || e[1].If != Const(true) {
		t.Errorf("else: %v", e)
	}
	if !b.Rules[0].IncludingGo {
		t.Error("including go is lost")
	}
	var steps []string
	for _, s := range append(slices.Clone(a.Steps), b.Steps...) {
		var text strings.Builder
		text.WriteString([...]string{"use", "drop", "only"}[s.Verb])
		for _, set := range s.Sets {
			text.WriteString(" " + set.Name)
			for leaf := range set.Leaves {
				text.WriteString(" " + leaf.Name)
			}
		}
		steps = append(steps, text.String())
	}
	wantSteps := []string{"use file file.io file.read", "use own net own", "drop file.read file.read", "drop net net",
		"only file.io file.io own net own"}
	if diff := cmp.Diff(wantSteps, steps); diff != "" {
		t.Error(diff)
	}
	if file := a.Steps[0].Sets[0]; !file.Builtin || file.Doc != "Files." || a.Steps[1].Sets[0].Builtin {
		t.Errorf("sets: %+v", file)
	}
}

func TestFloorAndFallbacks(t *testing.T) {
	p := mustCheck(t, "use file\n")
	var names []string
	for _, r := range p.Floor.Rules {
		names = append(names, r.Name)
		if r.Origin.Kind != FromSet || r.Origin.Set != FloorSet || r.Origin.Why == "" || r.Origin.File != "go.policy" {
			t.Errorf("%s: origin %+v", r.Name, r.Origin)
		}
	}
	if !slices.Equal(names, []string{"mmap", "time", "futex", "tgkill"}) || p.Lock == nil {
		t.Errorf("floor %v, lock %v", names, p.Lock)
	}
	if len(p.Fallbacks) != 2 || p.Fallbacks[0].Name != "prctl" || p.Fallbacks[1].Else[0].Action != (Action{Errno, 38}) ||
		p.Fallbacks[1].Origin.Kind != FromFallback {
		t.Errorf("fallbacks %+v", p.Fallbacks)
	}
	f, err := rule.Parse("p", "use file\n")
	if err != nil {
		t.Fatal(err)
	}
	arm, err := Check(f, target(t, "arm64")) // which lacks time
	if err != nil || len(arm.Floor.Rules) != 3 || len(arm.Notes) != 0 {
		t.Errorf("arm64: %v, %d rules, %v", err, len(arm.Floor.Rules), arm.Notes)
	}
	for text, want := range map[string][2]bool{
		"use file\n":                       {false, false},
		"on_next_syscall: 1\nuse file\n":   {true, true},
		"use go, file; on_next_syscall: 1": {true, false},
		"stage a\nuse file\nstage b\nsys_write: 0\non_next_syscall: 1\n": {true, true},
	} {
		if p := mustCheck(t, text); p.Deferred != want[0] || p.NoFloor != want[1] {
			t.Errorf("%q: deferred %v, no floor %v", text, p.Deferred, p.NoFloor)
		}
	}
}

// A value of the process in a built-in set must stand where leaving it open can only widen.
func TestSymbolsInBuiltinSets(t *testing.T) {
	for text, ok := range map[string]bool{
		"sys_kill: pid == self.pid":                  true,
		"sys_kill: pid in {0, self.pid} && sig == 9": true,
		"sys_kill: !(pid == 0) && pid == self.pid":   true,
		"sys_kill: pid != self.pid":                  false,
		"sys_kill: !(sig == 9 && pid == self.pid)":   false,
	} {
		f, err := rule.Parse("p", "use odd\n")
		if err != nil {
			t.Fatal(err)
		}
		lib := fakeLibrary{"odd": text + "\n", "go": "sys_futex: 1\n", "lock": "sys_seccomp: 1\n"}
		_, err = Check(f, Target{Arch: target(t, "amd64").Arch, Sets: Read(lib)})
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
		if p := mustCheck(t, text+"\n"); len(p.Stages[0].Rules) != 1 { // in a policy it is fine
			t.Errorf("%s: %v", text, p)
		}
	}
}

func TestUseAll(t *testing.T) {
	p := mustCheck(t, "use all\n")
	set := p.Stages[0].Steps[0].Sets[0]
	if n := p.Arch.Len(); set.Name != AllSet || len(set.Rules) != n || !set.Builtin {
		t.Errorf("all has %d of %d calls", len(set.Rules), n)
	}
	for _, r := range set.Rules {
		if r.Allow != Const(true) || r.Origin.Set != AllSet {
			t.Errorf("%+v", r)
		}
	}
}

// Mistakes of grammar and of meaning come together, by place; but not what may only follow from a statement that is
// missing: here a set, the beginning of a stage, and the only rule.
func TestGrammarAndMeaning(t *testing.T) {
	for text, want := range map[string]string{
		"sys_raed: 1\nsys_write: fd = 1\nsys_openat: flgs == 0\n": `p:1:1: unknown system call "raed": did you mean "read"?
p:2:15: found "=", expected an operator (== != < <= > >= & in) after "fd": did you mean "=="?
p:3:13: openat has no argument "flgs": did you mean "flags"?`,
		"use mine\nset mine sys_read: 1\n":         `p:2:10: found "sys_read", expected "{" on the line of the set's name`,
		"sys_read: 1\nstage serve!\nsys_read: 1\n": `p:2:12: found "!", expected the end of the line or ";"`,
		"sys_read\n": `p:1:9: found the end of the text, expected ":" after "sys_read"`,
		"use fil\nsys_read: fd = 1\nset mine { sys_write: fd = 2; use filee }\nuse mine\nsys_openat: 1\nsys_openat: 0\n": `p:1:5: unknown set "fil": did you mean "file"?
p:2:14: found "=", expected an operator (== != < <= > >= & in) after "fd": did you mean "=="?
p:3:26: found "=", expected an operator (== != < <= > >= & in) after "fd": did you mean "=="?
p:3:35: unknown set "filee": did you mean "file"?
p:6:1: stage init has a rule about openat already, in line 5: join the two`,
		// What a statement that is missing may say is not told of others.
		"use mine, yours\nsett mine { sys_read: 1 }\nset yours sys_write: 1\n": `p:2:1: unknown statement "sett": did you mean "set"?
p:3:11: found "sys_write", expected "{" on the line of the set's name`,
		"sage a\nsys_read: 1\nsage b\nsys_read: 0\n": `p:1:1: unknown statement "sage": did you mean "stage"?
p:3:1: unknown statement "sage": did you mean "stage"?`,
		"sys_raed: fd = 1\nnr(99999999999): 1\n": `p:1:1: unknown system call "raed": did you mean "read"?
p:1:14: found "=", expected an operator (== != < <= > >= & in) after "fd": did you mean "=="?
p:2:4: 99999999999 is no number of a call: there are 32 bits for it`,
		"use a\nset a { sys_read: 1\nset b { use a }\nuse b\n": `p:2:7: found no "}" that closes this "{"
p:3:1: found "set" in a set, which holds rules and "use" only: is a "}" missing before it?`,
	} {
		f, err := rule.Parse("p", text)
		if err == nil {
			t.Fatalf("%q: no mistake of grammar", text)
		}
		p, err := Check(f, target(t, "amd64"))
		if p == nil || err == nil || err.Error() != want {
			t.Errorf("%q:\n%v\nwant\n%s", text, err, want)
		}
	}
}

// Where an architecture has mmap in an older form, which names nothing that a rule could be about, the message says so.
func TestMmapByPointer(t *testing.T) {
	for arch, want := range map[string]string{
		"386": `p:1:11: mmap has no argument "prot": on 386 it takes a pointer to its arguments, which a filter can't see; ` +
			`what Go and libc call is mmap2`,
		"s390x": `p:1:11: mmap has no argument "prot": on s390x it takes a pointer to its arguments, which a filter can't see`,
		"arm64": "<nil>",
	} {
		f, err := rule.Parse("p", "sys_mmap: prot & PROT_READ")
		if err != nil {
			t.Fatal(err)
		}
		// The library of these tests is amd64's, and has mistakes of its own on others.
		if _, err := Check(f, target(t, arch)); !strings.HasSuffix(fmt.Sprint(err), want) {
			t.Errorf("%s: %v\nwant %s", arch, err, want)
		}
	}
}

// TestRefusal: what is refused without a word about it gets EPERM, whatever the architecture.
func TestRefusal(t *testing.T) {
	for _, name := range kernel.Names() {
		arch, _ := kernel.ByName(name)
		if got := refusal.Text(arch); got != "errno EPERM" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
