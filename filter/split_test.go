package filter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagelock/seccomp/policy"
)

// scattered is a table of calls whose verdict hangs on an argument that may have so many values.
func scattered(calls, values int) *policy.Table {
	random := rand.New(rand.NewPCG(uint64(calls), uint64(values)))
	t := &policy.Table{Arch: amd64, Foreign: is(kill), Other: is(eperm)}
	for nr := range calls {
		list := make([]uint64, values)
		for i := range list {
			list[i] = uint64(random.Uint32())
		}
		slices.Sort(list) // as the checker does
		t.Calls = append(t.Calls, policy.Decision{Nr: uint32(nr), Name: fmt.Sprint("call", nr), Clauses: []policy.Clause{
			{If: oneOf(uint8(random.IntN(6)), 32, list...), Action: allow}, is(eperm)}})
	}
	return t
}

func TestFarJumps(t *testing.T) {
	for _, size := range [][2]int{{1, 200}, {1, 900}, {20, 60}, {100, 20}, {200, 10}, {250, 3}} {
		random := rand.New(rand.NewPCG(1, 1))
		progs := checkTable(t, scattered(size[0], size[1]), Options{}, random, 50)
		if len(progs) != 1 {
			t.Errorf("%v: %d programs", size, len(progs))
		}
		t.Log(size, len(progs[0].Insns))
	}
}

func TestSplit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	table := scattered(400, 10)
	table.Calls = append(table.Calls, policy.Decision{Nr: 450, Clauses: []policy.Clause{is(allow)}})
	progs := checkTable(t, table, Options{}, random, 20)
	if len(progs) != 2 {
		t.Errorf("%d programs, want 2", len(progs))
	}
	// The order in which they are installed does not matter.
	if err := Verify(table, progs[1], progs[0]); err != nil {
		t.Error(err)
	}
	// None is enough.
	for i := range progs {
		if err := Verify(table, progs[i]); !errors.Is(err, ErrMismatch) {
			t.Errorf("program %d alone: %v", i, err)
		}
	}
}

// The calls that a table doesn't list get Rest in whatever program decides about their numbers.
func TestSplitRest(t *testing.T) {
	table := scattered(40, 150)
	for i := range table.Calls {
		table.Calls[i].Nr = uint32(10*i + 3)
	}
	table.Rest = is(enosys)
	progs := checkTable(t, table, Options{}, rand.New(rand.NewPCG(1, 1)), 20)
	if len(progs) == 1 {
		t.Error("one program holds it")
	}
}

// A policy may list numbers by the ten thousand with nr(N).
func TestSplitPlainNumbers(t *testing.T) {
	table := &policy.Table{Arch: amd64, Foreign: is(kill), Other: is(enosys)}
	for i := range 9000 {
		table.Calls = append(table.Calls, policy.Decision{Nr: uint32(3 * i), Clauses: []policy.Clause{is(allow)}})
	}
	progs := checkTable(t, table, Options{}, rand.New(rand.NewPCG(1, 1)), 1)
	t.Log(len(progs))
}

func TestTooLarge(t *testing.T) {
	_, err := Compile(scattered(100, 400), Options{})
	var size *SizeError
	if !errors.As(err, &size) || !errors.Is(err, ErrTooLarge) || size.Instructions <= MaxBudget {
		t.Errorf("100 calls of 400 values: %v", err)
	}
	_, err = Compile(scattered(1, 5000), Options{})
	if !errors.As(err, &size) || size.Call != "call0" || size.Instructions < 5000 {
		t.Errorf("a call of 5000 values: %v", err)
	}
	_, err = Compile(scattered(10, 10), Options{Budget: 100})
	if !errors.As(err, &size) || size.Limit != 100 || size.Programs != 1 {
		t.Errorf("a budget of 100: %v", err)
	}
	t.Log(err)
}

// The budget is counted as the kernel counts it, so that what compiles can be installed: instructions weigh more than
// there are of them.
func TestBudget(t *testing.T) {
	for _, size := range [][2]int{{10, 10}, {400, 10}} {
		table := scattered(size[0], size[1])
		progs, err := Compile(table, Options{})
		if err != nil {
			t.Fatal(err)
		}
		length, cost := 0, 0
		for _, p := range progs {
			length += len(p.Insns)
			cost += p.Weight() + ProgramCost
		}
		if _, err := Compile(table, Options{Budget: cost}); err != nil {
			t.Errorf("%v, with just what it takes: %v", size, err)
		}
		for _, budget := range []int{cost - 1, length + ProgramCost*len(progs)} {
			var tooLarge *SizeError
			_, err := Compile(table, Options{Budget: budget})
			if !errors.As(err, &tooLarge) || tooLarge.Limit != budget {
				t.Errorf("%v, of %d instructions that are counted as %d, with a budget of %d: %v", size, length, cost, budget, err)
			}
		}
	}
}

// What compiling makes on the way, branches of graphs and tests, grows with the alternatives and no faster, whether more
// calls have them or more values.
func TestGrowth(t *testing.T) {
	made := func(calls, values int) float64 {
		c := newCompiler(scattered(calls, values), &Options{}, allNumbers)
		if _, err := c.program(); err != nil {
			t.Fatal(err)
		}
		return float64(len(c.t.branches)+len(c.s.tests)+len(c.b.Program())) / float64(calls*values)
	}
	few := made(10, 10)
	for _, calls := range []int{10, 100, 400} {
		for _, values := range []int{10, 40} {
			n := made(calls, values)
			t.Logf("%d calls of %d values: %.2f for each alternative", calls, values, n)
			if n > 1.1*few {
				t.Errorf("%d calls of %d values: %.2f for each alternative, of 10 calls of 10 values it is %.2f", calls, values, n, few)
			}
		}
	}
}

// BenchmarkGrowth compiles so many calls with so many values each. What does not fit into the kernel's budget is
// compiled all the same.
func BenchmarkGrowth(b *testing.B) {
	for _, calls := range []int{10, 100, 400} {
		for _, values := range []int{1, 10, 40} {
			b.Run(fmt.Sprintf("calls=%d/values=%d", calls, values), func(b *testing.B) {
				table := scattered(calls, values)
				b.ReportAllocs()
				for range b.N {
					if _, err := Compile(table, Options{Budget: 1 << 30}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*calls*values), "ns/alternative")
			})
		}
	}
}
