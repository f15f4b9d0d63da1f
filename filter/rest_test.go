package filter

import (
	"slices"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// TestRest: calls that a table doesn't list get Rest, on every architecture, and numbers beside the calls don't. The
// program is that of the table which lists them all.
func TestRest(t *testing.T) {
	for _, name := range kernel.Names() {
		arch, _ := kernel.ByName(name)
		all := make([]policy.Decision, 0, arch.Len())
		for i := range arch.Len() {
			nr, name := arch.NameAt(i)
			d := policy.Decision{Nr: nr, Name: name, Clauses: []policy.Clause{is(allow)}}
			if i%3 == 0 {
				d.Clauses = []policy.Clause{{If: oneOf(0, 32, 1, 5), Action: allow}, is(eperm)}
			}
			all = append(all, d)
		}
		last := all[len(all)-1].Nr
		beside := policy.Decision{Nr: last + 3, Clauses: []policy.Clause{is(allow)}}
		lists := map[string][]policy.Decision{
			"none":            nil,
			"the first":       all[:1],
			"the last":        all[len(all)-1:],
			"the first half":  all[:len(all)/2],
			"a number beside": {all[5], beside},
			"every tenth":     nil,
		}
		for i := 0; i < len(all); i += 10 {
			lists["every tenth"] = append(lists["every tenth"], all[i])
		}
		for what, list := range lists {
			for _, rest := range []policy.Action{eperm, enosys, kill, allow, {Kind: policy.Log}} {
				table := &policy.Table{Arch: arch, Calls: list, Rest: is(rest), Foreign: is(kill), Other: is(enosys)}
				p, whole := compileOne(t, table), compileOne(t, table.Whole())
				if !slices.Equal(p.Insns, whole.Insns) {
					t.Errorf("%s, %s, rest %v: %d instructions, %d with all calls listed", name, what, rest, len(p.Insns), len(whole.Insns))
				}
				if err := Verify(table, p); err != nil {
					t.Errorf("%s, %s, rest %v: %v", name, what, rest, err)
				}
				for nr := range last + 10 {
					_, known := arch.Index(nr)
					listed := slices.ContainsFunc(list, func(d policy.Decision) bool { return d.Nr == nr })
					want := enosys
					switch {
					case listed:
						continue
					case known:
						want = rest
					}
					if got := table.Eval(nr, [6]uint64{}).Action; got != want {
						t.Fatalf("%s, %s: call %d gets %v, want %v", name, what, nr, got, want)
					}
					if got := table.Clauses(nr); len(got) != 1 || got[0].Action != want {
						t.Fatalf("%s, %s: call %d gets %v, want %v", name, what, nr, got, want)
					}
					if d, ok := table.Find(nr); ok != known || ok && d.Clauses[0].Action != want {
						t.Fatalf("%s, %s: call %d is found as %v, %t", name, what, nr, d, ok)
					}
				}
			}
		}
	}
}
