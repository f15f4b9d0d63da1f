package dialect

import (
	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/policy"
)

// Apart takes a condition apart into terms in one of two ways, Terms and paths.
func Apart(c policy.Cond) ([]Term, error) {
	if terms, err := Terms(c); err == nil {
		return terms, nil
	}
	return paths(c)
}

// paths takes a condition apart along its decision diagram: each path to where it holds settles some bits of the
// arguments, and so is a term of masked comparisons. Where a condition has many parts that exclude each other, that is
// fewer than Terms gives.
func paths(c policy.Cond) ([]Term, error) {
	d := policy.NewDecider(proofLimit)
	n := d.Cond(c)
	if d.Err() != nil {
		return nil, d.Err()
	}
	var terms []Term
	var settled [6]Comparison
	var walk func(bdd.Node) bool
	walk = func(n bdd.Node) bool {
		if n == bdd.False || n == bdd.True {
			if n == bdd.True {
				terms = append(terms, term(settled))
			}
			return len(terms) <= MaxTerms
		}
		v, lo, hi := d.Branch(n)
		arg := (v - policy.ArgVar) / 64
		bit := uint64(1) << (63 - (v-policy.ArgVar)%64)
		was := settled[arg]
		settled[arg].A |= bit
		ok := walk(lo)
		settled[arg].B |= bit
		ok = ok && walk(hi)
		settled[arg] = was
		return ok
	}
	if !walk(n) {
		return nil, ErrTooMany
	}
	return terms, nil
}

// term returns the comparisons of the arguments of which some bit is settled: A has which, B has what they are.
func term(settled [6]Comparison) Term {
	t := Term{}
	for i, c := range settled {
		if c.A != 0 {
			t = append(t, block(uint8(i), c.A, c.B).simplest())
		}
	}
	return t
}
