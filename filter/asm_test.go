package filter

import (
	"flag"
	"os"
	"testing"

	"github.com/stagelock/seccomp/policy"
)

var update = flag.Bool("update", false, "write the golden files")

func TestAsmGolden(t *testing.T) {
	table := mixedTable()
	for i := range table.Calls {
		for j := range table.Calls[i].Clauses {
			c := &table.Calls[i].Clauses[j]
			c.Origin = &policy.Origin{Source: &policy.Source{Kind: policy.FromRule, File: "mixed.policy"}, Line: int32(i) + 2}
			if j > 0 && j == len(table.Calls[i].Clauses)-1 {
				c.Origin = &policy.Origin{Source: &policy.Source{Kind: policy.FromDeny, Stage: "serve"}}
			}
		}
	}
	table.Other.Origin = &policy.Origin{Source: &policy.Source{Kind: policy.FromUnknown}}
	table.Foreign.Origin = &policy.Origin{Source: &policy.Source{Kind: policy.FromForeign}}
	got := compileOne(t, table).Asm()
	const file = "testdata/mixed.asm"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the listing changed; if it is right, run with -update\n%s", got)
	}
}

func TestReaches(t *testing.T) {
	p := compileOne(t, mixedTable())
	reaches := p.Reaches()
	if r := reaches[0]; len(r.Calls) != 6 || !r.Other || !r.Foreign {
		t.Errorf("the first instruction: %+v", r)
	}
	for pc, i := range p.Insns {
		if r := reaches[pc]; len(r.Calls) == 0 && !r.Other && !r.Foreign && i.K != kill.Ret() {
			t.Errorf("nothing comes to instruction %d, %v", pc, i.At(pc))
		}
	}
}
