package seccomp

import (
	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/refusal"
)

// Traps number the rules that trap calls. The number goes with the filter's answer and comes back with the signal, so
// that its handler can say whose word it was. The zero value is ready for use.
type traps struct {
	rules []string // by number, of all stages so far; 0 is the one that has none
	calls []lock.TrapCall
}

// retTrap is SECCOMP_RET_TRAP of <linux/seccomp.h>, without data.
const retTrap = 0x00030000

// compile compiles a table, with the number of its rule in each trap.
func (t *traps) compile(table *policy.Table) ([]*filter.Program, error) {
	marked := *table
	marked.Calls = make([]policy.Decision, len(table.Calls))
	standIns := make(map[string]policy.Action) // by what is said about the rule
	numbers := make(map[policy.Action]int)
	next := func() (policy.Action, bool) {
		for a := range filter.Unused(table) {
			if _, taken := numbers[a]; !taken {
				return a, true
			}
		}
		return policy.Action{}, false // of more than 4,000 rules the last have no number
	}
	mark := func(c *policy.Clause) policy.Action {
		if c.Action.Kind != policy.Trap {
			return c.Action
		}
		text := refusal.Whose(c.Origin)
		a, ok := standIns[text]
		if !ok {
			if a, ok = next(); !ok {
				return c.Action
			}
			standIns[text], numbers[a] = a, t.number(text)
		}
		return a
	}
	marked.Rest.Action = mark(&table.Rest)
	for i, d := range table.Calls {
		marked.Calls[i] = d
		copied := false
		for j := range d.Clauses {
			a := mark(&d.Clauses[j])
			if a == d.Clauses[j].Action {
				continue
			}
			if !copied {
				marked.Calls[i].Clauses = append([]policy.Clause(nil), d.Clauses...)
				copied = true
			}
			marked.Calls[i].Clauses[j].Action = a
		}
	}
	if len(numbers) == 0 {
		return filter.Compile(table, filter.Options{})
	}
	programs, err := filter.Compile(&marked, filter.Options{})
	if err != nil {
		return filter.Compile(table, filter.Options{}) // it is smaller where the rules need not be told apart
	}
	for _, p := range programs {
		for a, n := range numbers {
			p.Exchange(a, retTrap|uint32(n))
		}
		p.Table = table
	}
	return programs, nil
}

// number gives a rule its number.
func (t *traps) number(text string) int {
	const last = 1<<16 - 1 // SECCOMP_RET_DATA
	if len(t.rules) == 0 {
		t.rules = append(t.rules, "a filter of a stage, or one from elsewhere")
	}
	if len(t.rules) > last {
		return 0
	}
	t.rules = append(t.rules, text)
	return len(t.rules) - 1
}

// say gives the handler what it has to say, if anything is trapped. The stage is the one that comes into force, all of
// it, in the process pid.
func (t *traps) say(stage *policy.Table, pid uint64) error {
	text := t.text(stage.Arch)
	if text == nil {
		return nil
	}
	text.Below = true
	for _, n := range lock.TrapNeeds(pid) {
		text.Below = text.Below && stage.Eval(n.Nr, n.Args).Action.Allows()
	}
	return lock.SayTraps(text)
}

// text returns what the handler has to say, nil if nothing is trapped.
func (t *traps) text(arch *kernel.Arch) *lock.TrapText {
	if len(t.rules) == 0 {
		return nil
	}
	if t.calls == nil {
		const reach = 1 << 13 // numbers are small but for mips, whose begin at 4000, 5000 and 6000
		last := arch.At(arch.Len() - 1).Nr
		t.calls = make([]lock.TrapCall, min(last, reach)+1)
		for _, c := range arch.Calls() {
			if c.Nr < uint32(len(t.calls)) {
				t.calls[c.Nr] = lock.TrapCall{Name: c.Name, Args: uint8(len(c.Args()))}
			}
		}
	}
	return &lock.TrapText{Rules: t.rules, Calls: t.calls}
}
