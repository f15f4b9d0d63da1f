package compiled

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// cond returns a condition of any kind.
func cond(r *rand.Rand, depth int) policy.Cond {
	arg, bits := uint8(r.IntN(6)), []uint8{16, 32, 64}[r.IntN(3)]
	top := uint64(1)<<bits - 1 // of 64: all ones
	value := func() uint64 { return r.Uint64() >> r.IntN(64) & top }
	kind := r.IntN(7)
	if depth == 0 {
		kind = r.IntN(4)
	}
	list := func() []policy.Cond {
		parts := make([]policy.Cond, 1+r.IntN(4))
		for i := range parts {
			parts[i] = cond(r, depth-1)
		}
		return parts
	}
	switch kind {
	case 0:
		return policy.Const(r.IntN(2) == 1)
	case 1:
		lo := value()
		return policy.Range{Arg: arg, Bits: bits, Lo: lo, Hi: lo + (top-lo)>>r.IntN(64)}
	case 2:
		return policy.Masked{Arg: arg, Bits: bits, Mask: value(), Value: value()}
	case 3:
		return policy.Symbol{Arg: arg, Bits: bits, Name: "self.pid", Set: true}
	case 4:
		return policy.Not{X: cond(r, depth-1)}
	case 5:
		return policy.And(list())
	}
	return policy.Or(list())
}

// rules returns some rules of a file with the constraints a, b, and none.
func rules(r *rand.Rand, arch *kernel.Arch, file, set string, kind policy.OriginKind) (list []Rule) {
	source := &policy.Source{Kind: kind, Set: set, File: file}
	for _, call := range arch.Calls() {
		if r.IntN(20) > 0 {
			continue
		}
		o := policy.Origin{Source: source, Line: 1 + r.Int32N(300), Col: 1 + r.Int32N(9)}
		x := policy.Rule{Nr: call.Nr, Name: call.Name, Allow: cond(r, 3), Origin: &o}
		for range r.IntN(3) {
			arm := policy.Clause{If: cond(r, 2), Action: policy.Action{Kind: policy.Errno, Errno: uint16(r.IntN(4096))}, Origin: &o}
			if r.IntN(2) == 1 {
				below := o
				below.Line, below.Col = o.Line+1+r.Int32N(3), 1+r.Int32N(200)
				arm.Origin = &below
			}
			x.Else = append(x.Else, arm)
		}
		list = append(list, Rule{x, []string{"", "a", "b && !a"}[r.IntN(3)]})
	}
	return list
}

// TestRoundTrip: what is encoded is read back, for each build what is for it.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, name := range []string{"amd64", "mips64"} { // whose numbers begin at 0 and at 5000
		arch, _ := kernel.ByName(name)
		for range 20 {
			s := &Source{
				Sets: []Set{
					{Name: "go", Rules: rules(r, arch, "go.policy", "go", policy.FromSet)},
					{Name: "lock", Rules: rules(r, arch, "lock.policy", "lock", policy.FromSet)},
					{Name: "whole", Parts: []Part{{"lock", "a"}, {"go", ""}}},
				},
				Fallbacks: rules(r, arch, FallbackFile, "", policy.FromFallback),
			}
			s.Default = &policy.Policy{Name: PolicyFile, Stages: []policy.Stage{{
				Name: "init", Pos: rule.Pos{Line: 3, Col: 1}, Deny: policy.Action{Kind: policy.Trap},
				Steps: []policy.Step{{Verb: policy.Only, Pos: rule.Pos{Line: 400, Col: 5}, Sets: []*policy.Set{{Name: "whole"}, {Name: "go"}}}},
			}}}
			var table strings.Builder
			for _, p := range Encode(s) {
				table.WriteString(p.Code)
			}
			for tags := range 4 {
				has := func(tag string) bool { return tag == "a" && tags&1 != 0 || tag == "b" && tags&2 != 0 }
				readBack(t, s, Open(table.String(), arch, has), arch, has)
			}
		}
	}
}

func readBack(t *testing.T, s *Source, l *Library, arch *kernel.Arch, has func(string) bool) {
	t.Helper()
	same := func(what string, list []Rule, got []policy.Rule) {
		want := []policy.Rule{}
		for _, x := range list {
			if holds, _ := Holds(x.Constraint, has); holds {
				want = append(want, x.Rule)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", what, diff)
		}
	}
	for _, want := range s.Sets {
		got, err := l.Set(want.Name, arch)
		if err != nil || got.Name != want.Name || !got.Builtin {
			t.Fatalf("%s: %+v, %v", want.Name, got, err)
		}
		same(want.Name, want.Rules, got.Rules)
	}
	got, _ := l.Fallbacks(arch)
	same("fallbacks", s.Fallbacks, got)

	whole, _ := l.Set("whole", arch)
	floor, _ := l.Set("go", arch)
	if n := len(whole.Parts); has("a") && n != 2 || !has("a") && n != 1 || whole.Parts[n-1] != floor {
		t.Errorf("whole has %d parts", n)
	}
	p := l.Default()
	stage, want := p.Stages[0], s.Default.Stages[0]
	if p.Floor != floor || stage.Name != "init" || stage.File != PolicyFile || stage.Pos != want.Pos || stage.Deny != want.Deny ||
		stage.Steps[0].Verb != policy.Only || stage.Steps[0].Pos != want.Steps[0].Pos || stage.Steps[0].Sets[0] != whole ||
		stage.Steps[0].Sets[1] != floor {
		t.Errorf("the default policy: %+v", p)
	}
	if set, err := l.Set("other", arch); set != nil || err != nil {
		t.Errorf("a set that there isn't: %v, %v", set, err)
	}
}

// Sets of one architecture are not to be had for another.
func TestOtherArchitecture(t *testing.T) {
	arch, _ := kernel.ByName("amd64")
	other, _ := kernel.ByName("arm64")
	var table strings.Builder
	for _, p := range Encode(&Source{Default: &policy.Policy{}}) {
		table.WriteString(p.Code)
	}
	l := Open(table.String(), arch, nil)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	l.Set("go", other)
}
