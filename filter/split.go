package filter

import (
	"github.com/stagelock/seccomp/policy"
)

// split compiles a table, into several programs if it must.
func split(t *policy.Table, o *Options) ([]*Program, error) {
	p, err := compile(t, o)
	if err != nil {
		return nil, err
	}
	if len(p.Insns) <= MaxInstructions {
		return []*Program{p}, nil
	}
	return nil, &SizeError{Instructions: len(p.Insns), Programs: 1, Limit: MaxInstructions}
}

func compile(t *policy.Table, o *Options) (*Program, error) {
	c := compiler{table: t, rate: o.Weight}
	c.t = translator{graph: &graph{limit: 1 << 20}, narrow: t.Arch.Bits == 32}
	return c.program()
}
