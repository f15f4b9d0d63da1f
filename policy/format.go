package policy

import (
	"fmt"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// A TableFormat says how FormatTable writes a table.
type TableFormat struct {
	Stage     string   // the name of the stage; none is written where it is empty
	Deferred  bool     // write on_next_syscall: 1, with which no floor is added when the text is checked again
	Fallbacks []Rule   // those of the Policy: calls that must be refused explicitly to get the deny
	Comments  []string // on top, a line each
	Origins   bool     // say behind each rule where it comes from
}

// FormatTable returns a table as a policy: one stage with a rule for each call, but for those that the stage's deny
// speaks for. Checked again, each call gets the same. The error is ErrInexpressible if a condition can't be said
// exactly; the text then comes as near as it can, and names it in a comment.
func FormatTable(t *Table, o TableFormat) (text string, err error) {
	f, err := TableFile(t, o)
	return rule.Format(f), err
}

// TableFile is FormatTable before it becomes text.
func TableFile(t *Table, o TableFormat) (f *rule.File, err error) {
	t = t.Whole()
	w := tableWriter{table: t, deny: t.commonRefusal(), explicit: make(map[uint32]bool, len(o.Fallbacks))}
	for i := range o.Fallbacks {
		w.explicit[o.Fallbacks[i].Nr] = true
	}
	f = &rule.File{}
	add := func(x rule.Stmt) { f.Stmts = append(f.Stmts, x) }
	if o.Deferred {
		add(&rule.Rule{Call: rule.Call{Name: rule.OnNextSyscall}, Verdict: &rule.Number{Abs: 1}})
	}
	if o.Stage != "" {
		x := &rule.Stage{Name: rule.Name{Text: o.Stage}}
		x.SetNotes(rule.Comments{Blank: len(f.Stmts) > 0})
		add(x)
	}
	add(&rule.Deny{Action: w.action(w.deny)})
	for i := range t.Calls {
		x, unsaid := w.rule(&t.Calls[i])
		if x == nil {
			continue
		}
		if unsaid != nil {
			x.SetNotes(rule.Comments{After: unsaid.Error()})
			if err == nil {
				err = fmt.Errorf("%s: %w", t.Calls[i].text(), unsaid)
			}
		} else if o.Origins {
			x.SetNotes(rule.Comments{After: t.Calls[i].source()})
		}
		add(x)
	}
	top := f.Stmts[0].Notes()
	top.Before = o.Comments
	f.Stmts[0].SetNotes(top)
	return f, err
}

type tableWriter struct {
	table    *Table
	deny     Action
	explicit map[uint32]bool
}

// commonRefusal returns what most refused calls get.
func (t *Table) commonRefusal() Action {
	count := make(map[Action]int)
	best := Action{Errno, 1} // EPERM, on all architectures
	for i := range t.Calls {
		clauses := t.Calls[i].Clauses
		a := clauses[len(clauses)-1].Action
		if a.Allows() {
			continue
		}
		if count[a]++; count[a] > count[best] || count[a] == count[best] && a.Kind < best.Kind {
			best = a
		}
	}
	return best
}

// rule puts the decision on a call into words, nil where the deny says it all.
func (w *tableWriter) rule(d *Decision) (x *rule.Rule, unsaid error) {
	allow := simplify(d.allowed())
	x = &rule.Rule{Call: rule.Call{Name: d.Name}}
	if d.Name == "" {
		x.Call.Nr = &rule.Number{Abs: uint64(d.Nr)}
	}
	var call *kernel.Call
	if c, ok := w.table.Arch.CallNr(d.Nr); ok {
		call = &c
	}
	if x.Verdict, unsaid = Express(allow, call, w.table.Arch); allow == Const(true) {
		return x, unsaid
	}
	arms := w.arms(d)
	var rest rule.Rest
	for _, arm := range arms {
		e := rule.Else{Action: w.action(arm.Action)}
		if arm.If != Const(true) {
			var err error
			if e.If, err = Express(arm.If, call, w.table.Arch); unsaid == nil {
				unsaid = err
			}
		}
		rest.Else = append(rest.Else, e)
	}
	if len(rest.Else) > 0 {
		x.SetRest(rest)
	}
	if allow == Const(false) && len(arms) == 0 && !w.explicit[d.Nr] {
		return nil, unsaid
	}
	return x, unsaid
}

// allowed returns where a call is made without being logged.
func (d *Decision) allowed() Cond {
	c := Cond(Const(false))
	for i := len(d.Clauses) - 1; i >= 0; i-- {
		switch clause := &d.Clauses[i]; {
		case clause.If == Const(true):
			c = Const(clause.Action.Kind == Allow)
		case clause.Action.Kind == Allow:
			c = Or{clause.If, c}
		default:
			c = And{Not{clause.If}, c}
		}
	}
	return c
}

// arms returns what a call gets where it isn't allowed, without what never comes about, or is the deny anyway.
func (w *tableWriter) arms(d *Decision) []Clause {
	var arms []Clause
	var before Or
	for _, clause := range d.Clauses {
		reached := And{clause.If, Not{before}}
		if truth, _ := TruthOf(reached); truth != Never && clause.Action.Kind != Allow {
			clause.If = simplify(clause.If)
			arms = append(arms, clause)
		}
		before = append(before, clause.If)
	}
	for len(arms) > 0 && arms[len(arms)-1].Action == w.deny {
		arms = arms[:len(arms)-1]
	}
	return arms
}

// action puts an action into words.
func (w *tableWriter) action(a Action) rule.Action {
	switch a.Kind {
	case Errno:
		if name, ok := w.table.Arch.ErrnoName(a.Errno); ok {
			return rule.Action{Name: "errno", Errno: &rule.Ident{Name: name}}
		}
		return rule.Action{Name: "errno", Errno: &rule.Number{Abs: uint64(a.Errno)}}
	default:
		return rule.Action{Name: a.Text(w.table.Arch)}
	}
}

// text names the call for a message.
func (d *Decision) text() string {
	if d.Name == "" {
		return fmt.Sprintf("nr(%d)", d.Nr)
	}
	return d.Name
}

// source says where the first word about a call comes from.
func (d *Decision) source() string {
	o := d.Clauses[0].Origin
	if o == nil {
		return ""
	}
	return o.String()
}

// String says where a verdict comes from, as in `webserver.policy:12`, `set file.read`, `the floor: sysmon's reads`.
func (o *Origin) String() string {
	s := ""
	switch o.Kind {
	case FromRule:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	case FromSet:
		s = "set " + o.Set
	case FromFloor:
		s = "the floor"
	case FromFallback:
		s = "has a fallback"
	case FromDeny:
		return "deny of stage " + o.Stage
	case FromUnknown:
		return "unknown number"
	case FromForeign:
		return "foreign ABI"
	case FromBefore:
		return "earlier stages"
	}
	if o.Why != "" {
		s += ": " + o.Why
	}
	return s
}
