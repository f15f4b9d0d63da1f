package policy

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/rule"
)

func TestFormatTable(t *testing.T) {
	arch := target(t, "amd64").Arch
	enosys := Action{Errno, 38}
	eperm := Action{Errno, 1}
	always := func(a Action) []Clause { return []Clause{{If: Const(true), Action: a}} }
	fd := func(lo, hi uint64) Cond { return Range{0, 32, lo, hi} }
	tab := &Table{
		Arch: arch,
		Calls: []Decision{
			{Nr: 0, Name: "read", Clauses: always(Action{Kind: Allow})},
			{Nr: 1, Name: "write", Clauses: []Clause{
				{If: fd(9, 9), Action: Action{Kind: Trap}},
				{If: fd(1, 9), Action: Action{Kind: Allow}},
				{If: Const(true), Action: eperm},
			}},
			{Nr: 3, Name: "close", Clauses: []Clause{
				{If: fd(0, 5), Action: Action{Kind: Log}},
				{If: fd(2, 3), Action: Action{Kind: Trap}}, // never reached
				{If: Const(true), Action: Action{Kind: Kill}},
			}},
			{Nr: 39, Name: "getpid", Clauses: always(eperm)},
			{Nr: 101, Name: "ptrace", Clauses: always(Action{Kind: Kill})},
			{Nr: 102, Name: "getuid", Clauses: always(eperm)},
			{Nr: 104, Name: "getgid", Clauses: always(eperm)},
			{Nr: 157, Name: "prctl", Clauses: always(eperm)},
			{Nr: 435, Name: "clone3", Clauses: always(enosys)},
			{Nr: 4711, Clauses: []Clause{
				{If: Masked{5, 64, 1 << 40, 0}, Action: Action{Kind: Allow}},
				{If: Const(true), Action: eperm},
			}},
		},
	}
	fallbacks := []Rule{{Nr: 157}, {Nr: 435}}
	text, err := FormatTable(tab, TableFormat{Stage: "serve", Deferred: true, Fallbacks: fallbacks,
		Comments: []string{"in force"}})
	if err != nil {
		t.Fatal(err)
	}
	want := `# in force
on_next_syscall: 1

stage serve
    deny errno(EPERM)
    sys_read: 1
    sys_write: fd != 9 && fd in {1..9} else trap if fd == 9
    sys_close: 0 else log if fd <= 5 else kill
    sys_ptrace: 0 else kill
    sys_prctl: 0
    sys_clone3: 0 else errno(ENOSYS)
    nr(4711): (arg5 & 0x10000000000) == 0
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	agrees(t, tab, text)
}

// agrees looks whether the calls of a text, checked again, get what the table says.
func agrees(t *testing.T, tab *Table, text string) {
	t.Helper()
	f, err := rule.Parse("table", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p, err := Check(f, Target{Arch: tab.Arch, Sets: Read(library)})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	stage := p.Stages[0]
	if rule.Format(f) != text {
		t.Errorf("not formatted:\n%s", text)
	}
	for i := range tab.Calls {
		call := &tab.Calls[i]
		var clauses []Clause
		for _, r := range stage.Rules {
			if r.Nr == call.Nr {
				clauses = append([]Clause{{If: r.Allow, Action: Action{Kind: Allow}}}, r.Else...)
			}
		}
		clauses = append(clauses, Clause{If: Const(true), Action: stage.Deny})
		d := NewDecider(1 << 18)
		if d.Clauses(clauses) != d.Clauses(call.Clauses) || d.Err() != nil {
			t.Errorf("%s: the text says %v, the table %v (%v)\n%s", call.text(), clauses, call.Clauses, d.Err(), text)
		}
	}
}

func TestFormatTableReadsBack(t *testing.T) {
	arch := target(t, "amd64").Arch
	rng := rand.New(rand.NewPCG(7, 8))
	actions := []Action{{Kind: Kill}, {Kind: Trap}, {Errno, 1}, {Errno, 13}, {Errno, 4000}, {Kind: Log}, {Kind: Allow}}
	for range 12 {
		tab := &Table{Arch: arch}
		for _, call := range arch.Calls() {
			args := call.Args()
			if len(args) == 0 || rng.IntN(8) > 0 {
				continue
			}
			d := Decision{Nr: call.Nr, Name: call.Name}
			for range rng.IntN(4) {
				c := randomTyped(rng, args, 1)
				d.Clauses = append(d.Clauses, Clause{If: c, Action: actions[rng.IntN(len(actions))]})
			}
			d.Clauses = append(d.Clauses, Clause{If: Const(true), Action: actions[rng.IntN(len(actions))]})
			tab.Calls = append(tab.Calls, d)
		}
		text, err := FormatTable(tab, TableFormat{Stage: "x"})
		if err != nil {
			t.Fatal(err)
		}
		agrees(t, tab, text)
	}
}

func TestFormatTableSaysWhatItCant(t *testing.T) {
	arch := target(t, "amd64").Arch
	tab := &Table{Arch: arch, Calls: []Decision{{Nr: 0, Name: "read", Clauses: []Clause{
		{If: Range{1, 64, 5, 5}, Action: Action{Kind: Allow}},
		{If: Const(true), Action: Action{Errno, 1}},
	}}}}
	text, err := FormatTable(tab, TableFormat{})
	if err == nil || !strings.Contains(text, "# the policy language can't say this: buf is a pointer") {
		t.Errorf("%v\n%s", err, text)
	}
}
