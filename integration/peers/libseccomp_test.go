//go:build libseccomp

package main

import (
	"fmt"
	"math/rand/v2"
	"testing"

	libseccomp "github.com/seccomp/libseccomp-golang"

	"github.com/stagelock/seccomp/internal/bpf"
)

// The comparisons of 64 bits, as both sides write them.
var comparisons = []struct {
	text  string
	op    libseccomp.ScmpCompareOp
	holds func(x, v uint64) bool
}{
	{"==", libseccomp.CompareEqual, func(x, v uint64) bool { return x == v }},
	{"!=", libseccomp.CompareNotEqual, func(x, v uint64) bool { return x != v }},
	{"<", libseccomp.CompareLess, func(x, v uint64) bool { return x < v }},
	{"<=", libseccomp.CompareLessOrEqual, func(x, v uint64) bool { return x <= v }},
	{">", libseccomp.CompareGreater, func(x, v uint64) bool { return x > v }},
	{">=", libseccomp.CompareGreaterEqual, func(x, v uint64) bool { return x >= v }},
}

// TestComparisons gives libseccomp and us random alternatives of one 64-bit comparison each, and counts for how many
// policies they differ. Ours must never; where libseccomp does, the shortest policy that allows too much is logged as the
// reproduction: several comparisons of one argument are merged, and the words of different ones mixed up.
func TestComparisons(t *testing.T) {
	values := []uint64{1, 5, 1<<32 - 1, 1 << 32, 1<<32 + 5, 2 << 32, 2<<32 + 5, 1<<63 + 1}
	wider, stricter, shortest := 0, 0, ""
	const policies = 400
	for seed := range uint64(policies) {
		random := rand.New(rand.NewPCG(seed, 5))
		n := 1 + random.IntN(3)
		text := "nr(1000): "
		var conds []libseccomp.ScmpCondition
		var holds []func(uint64) bool
		for i := range n {
			c, v := comparisons[random.IntN(len(comparisons))], values[random.IntN(len(values))]
			cond, err := libseccomp.MakeCondition(2, c.op, v)
			if err != nil {
				t.Fatal(err)
			}
			conds = append(conds, cond)
			holds = append(holds, func(x uint64) bool { return c.holds(x, v) })
			if i > 0 {
				text += " || "
			}
			text += fmt.Sprintf("arg2 %s %#x", c.text, v)
		}
		theirs := load(t, alternatives(t, conds), nil)
		progs, err := compileStages("on_next_syscall: 1\n" + text)
		var ours *bpf.Machine
		if err == nil { // an expression that is always true is an error of ours
			ours = load(t, progs[0], nil)
		}
		for _, v := range values {
			for _, x := range []uint64{v - 1, v, v + 1, v ^ 1<<32, v ^ 1<<33, 0, 1<<64 - 1} {
				want := false
				for _, h := range holds {
					want = want || h(x)
				}
				d := bpf.Data{Nr: 1000, Arch: arch.Audit, Args: [6]uint64{2: x}}
				if ours != nil {
					if got, _ := ours.Run(&d); (got == retAllow) != want {
						t.Fatalf("%s\nof %#x: ours says %#x", text, x, got)
					}
				}
				got, _ := theirs.Run(&d)
				if (got == retAllow) == want {
					continue
				}
				if want {
					stricter++
					continue
				}
				wider++
				if said := fmt.Sprintf("%s: %#x is allowed", text, x); shortest == "" || len(said) < len(shortest) {
					shortest = said
				}
			}
		}
	}
	if shortest != "" {
		t.Logf("libseccomp, %s", shortest)
	}
	t.Logf("libseccomp, over %d policies: %d calls allowed that must not be, %d refused that must not be", policies, wider, stricter)
}

// alternatives allows call 1000 where any of the conditions holds.
func alternatives(t *testing.T, conds []libseccomp.ScmpCondition) []bpf.Instruction {
	t.Helper()
	f, err := libseccomp.NewFilter(libseccomp.ActErrno.SetReturnCode(1))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	for _, c := range conds {
		if err := f.AddRuleConditional(1000, libseccomp.ActAllow, []libseccomp.ScmpCondition{c}); err != nil {
			t.Log(err) // the same rule twice
		}
	}
	prog, err := export(f)
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

// libseccomp 2.5.4: of "below 1" and "above 1<<32", each a rule of its own, the merged program allows 1.
func TestLibseccompAllowsTooMuch(t *testing.T) {
	below, err := libseccomp.MakeCondition(2, libseccomp.CompareLess, 1)
	if err != nil {
		t.Fatal(err)
	}
	above, err := libseccomp.MakeCondition(2, libseccomp.CompareGreater, 1<<32)
	if err != nil {
		t.Fatal(err)
	}
	in := bpf.Data{Nr: 1000, Arch: arch.Audit, Args: [6]uint64{2: 1}}
	theirs, _ := load(t, alternatives(t, []libseccomp.ScmpCondition{below, above}), nil).Run(&in)
	progs, err := compileStages("on_next_syscall: 1\nnr(1000): arg2 < 1 || arg2 > 0x100000000")
	if err != nil {
		t.Fatal(err)
	}
	if ours, _ := load(t, progs[0], nil).Run(&in); ours == retAllow {
		t.Error("ours allows 1")
	}
	major, minor, micro := libseccomp.GetLibraryVersion()
	t.Logf("libseccomp %d.%d.%d: 1 gets %#x", major, minor, micro, theirs)
	if old := major == 2 && (minor < 5 || minor == 5 && micro <= 4); old && theirs != retAllow {
		t.Error("the mistake does not show where it was found")
	}
}
