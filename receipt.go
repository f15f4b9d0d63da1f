package seccomp

import (
	"slices"
	"time"

	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// A Receipt says what one Lock did, and what was seen of it.
type Receipt struct {
	lock.Receipt // what was installed, and on which threads it was seen

	Allowed int      // calls that are still allowed, at least with some arguments
	Known   int      // calls that there are
	Dropped []string // calls that were allowed before, at least with some arguments, and are not any more
	Floor   []string // calls that the program gave up and that stay for the Go runtime alone, in its own shape
	Plan    time.Duration
	Total   time.Duration // Plan and all of lock.Receipt's
}

// newReceipt tells what going from one stage to another did.
func newReceipt(p *stage.Plan, from, to int, planned time.Duration, done lock.Receipt) *Receipt {
	r := &Receipt{Receipt: done, Plan: planned, Total: planned + done.Prepare + done.Install + done.Verify}
	is := &p.Stages[to]
	r.Allowed, r.Known = is.Counts()
	calls := is.Table.Calls // what they don't list stays as the first stage has left it
	if from < 0 {
		calls = is.Table.Whole().Calls
		r.Dropped = make([]string, 0, r.Known-r.Allowed) // all of them
	}
	granted := false // anything to the program
	for i, d := range calls {
		own := slices.ContainsFunc(d.Clauses, func(c policy.Clause) bool {
			return allows(c) && c.Origin.Kind != policy.FromFloor
		})
		granted = granted || own
		switch {
		case d.Name == "" || own:
		case slices.ContainsFunc(d.Clauses, allows):
			r.Floor = append(r.Floor, d.Name)
		case from < 0 || slices.ContainsFunc(p.Stages[from].Table.Calls[i].Clauses, allows):
			r.Dropped = append(r.Dropped, d.Name)
		}
	}
	if !granted {
		r.Notes = append(r.Notes, "nothing is allowed but what the Go runtime itself needs, not even writing to what is open: "+
			"no set and no rule grants the program a call")
	}
	if note := runtimeset.Running().Note(); note != "" {
		r.Notes = append(r.Notes, note)
	}
	return r
}

func allows(c policy.Clause) bool { return c.Action.Allows() }

// report has the logger told of a stage that is in force.
func (m *machine) report(r *Receipt) {
	instructions := 0
	for _, n := range r.Instructions {
		instructions += n
	}
	what := "seccomp stage in force"
	if m.mode == Observe {
		what = "seccomp stage observed, nothing is enforced"
	}
	m.tell(func(l Logger) {
		l.Infow(what,
			"stage", r.Stage,
			"allowed", r.Allowed,
			"dropped", len(r.Dropped),
			"known", r.Known,
			"filters", len(r.Instructions),
			"instructions", instructions,
			"threads", r.Verified+max(0, r.Inherited),
			"verified", r.Verified,
			"microseconds", r.Total.Microseconds(),
		)
		if r.Unverified != "" {
			l.Warnw("seccomp stage unverified", "stage", r.Stage, "reason", r.Unverified)
		}
		for _, n := range r.Notes {
			l.Infow("seccomp note", "stage", r.Stage, "note", n)
		}
	})
}
