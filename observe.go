package seccomp

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/refusal"
)

// An Observation is what a stage would have refused, by one rule of one call.
type Observation struct {
	Stage string // the first that would have
	Call  string // with the arguments of the first time: openat(dfd=AT_FDCWD, filename="/etc/passwd", flags=O_RDONLY, mode=0)
	Rule  string // whose word it is: stage serve, server.policy:12:3
	Gets  string // what it would have got: errno EPERM
	Allow string // the rule that would allow what was seen so far; empty: none can
	Count int
	Stack string // of the first time that it could be taken, as a traceback has it; empty: it never could
}

// observations are what an observing process has seen, and what it takes to see.
type observations struct {
	mu      sync.Mutex
	log     refusal.Log
	judges  []judge        // by number
	watched *policy.Table  // what the one filter lets pass without a word
	first   Receipt        // of the Lock that began it
	seen    []*Observation // parallel to log.Seen
	stacks  []map[string]bool
}

// A judge is what was refused at one time.
type judge struct {
	stage string
	table *policy.Table
}

// retUserNotif is SECCOMP_RET_USER_NOTIF of <linux/seccomp.h>.
const retUserNotif = 0x7fc00000

// observe goes to a stage without putting it in force: what it would refuse is let through and told to the logger.
//
// There can be one filter with a listener, so the first Lock installs one for all stages: whatever the last one refuses
// is looked at, and judged by the stage that the process is in.
func observe(m *machine, s step) (*Receipt, error) {
	table := s.plan.Stages[s.to].Table
	programs, err := filter.Compile(table, filter.Options{})
	if err != nil {
		return nil, tooLarge(err)
	}
	var filters [][]lock.Instruction
	for _, p := range programs {
		filters = append(filters, instructions(p))
	}
	done := lock.Receipt{Stage: s.name, Before: -1, Inherited: -1}
	planned := time.Since(s.start)
	o := m.observations
	if o == nil {
		o = &observations{log: refusal.Log{Arch: table.Arch}, watched: s.plan.Stages[len(s.plan.Stages)-1].Table}
		if m.base == nil {
			o.watched = exceptBusy(table)
		}
		watch, err := watching(o.watched)
		if err != nil {
			return nil, err
		}
		m.published.prepare(m.source(s.said), []*filter.Program{watch}, len(s.plan.Stages))
		planned = time.Since(s.start)
		for _, c := range table.Arch.Calls() {
			if names := refusal.FileNames(c); len(names) > 0 {
				m.session.NameObserved(c.Nr, names[0])
			}
		}
		o.judge(m, s, filters, &done) // from the first call on
		notes := done.Notes
		done, err = m.session.Observe(lock.Stage{Name: s.name, Last: true, Filters: [][]lock.Instruction{instructions(watch)}})
		if len(done.Instructions) == 0 {
			m.published.abandon()
			return nil, err
		}
		done.Notes = append(done.Notes, notes...)
		if err != nil { // not seen on every thread: those without see nothing, and nothing is refused to them
			done.Notes = append(done.Notes, err.Error())
		}
		m.observations, m.observed = o, o.list
		m.published.programs = append(m.published.programs, instructions(watch))
		go o.tell(m)
	} else {
		if done.Before = o.first.Before; done.Before >= 0 {
			done.Before++
		}
		o.judge(m, s, filters, &done)
	}
	if names := unwatched(o.watched, table); len(names) > 0 {
		done.Notes = append(done.Notes, "what this stage would newly refuse of these calls is not told, since it was not known at "+
			"the first Lock: "+strings.Join(names, ", "))
	}
	receipt := newReceipt(s.plan, s.from, s.to, planned, done)
	if len(done.Instructions) > 0 {
		o.first = *receipt
	}
	return receipt, nil
}

// judge has a stage say from now on what would be refused.
func (o *observations) judge(m *machine, s step, filters [][]lock.Instruction, r *lock.Receipt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := m.session.Judge(filters); n != len(o.judges) {
		r.Notes = append(r.Notes, "there are too many stages, or too large ones: what this one would refuse is not told")
		return
	}
	o.judges = append(o.judges, judge{s.name, s.plan.Stages[s.to].Table})
}

// watching compiles the filter of an observing process: what the table refuses in whatever way goes to the listener.
func watching(t *policy.Table) (*filter.Program, error) {
	var standIn policy.Action // for user notification, which the language has no action for
	for standIn = range filter.Unused(t) {
		break
	}
	told := *t
	tell := func(c policy.Clause) policy.Clause {
		if !allows(c) {
			c.Action = standIn
		}
		return c
	}
	told.Rest, told.Other, told.Foreign = tell(t.Rest), tell(t.Other), tell(t.Foreign)
	told.Calls = make([]policy.Decision, len(t.Calls))
	for i, d := range t.Calls {
		d.Clauses = slices.Clone(d.Clauses)
		for j := range d.Clauses {
			d.Clauses[j] = tell(d.Clauses[j])
		}
		told.Calls[i] = d
	}
	programs, err := filter.Compile(&told, filter.Options{})
	if err != nil {
		return nil, tooLarge(err)
	}
	if len(programs) > 1 { // only one can have the listener
		return nil, fmt.Errorf("%w: a policy that takes %d filters can't be observed, one is the limit", ErrTooLarge, len(programs))
	}
	programs[0].Exchange(standIn, retUserNotif)
	// Another way into the kernel, such as int 0x80, is killed by every filter of ours.
	programs[0].Exchange(policy.Action{Kind: policy.Kill}, retUserNotif)
	return programs[0], nil
}

// busy are the calls by which a busy service lives. A trip to another process for each would slow it down by far, so
// where later stages are not known yet they are left alone as the first stage allows them.
var busy = [...]string{"read", "write", "readv", "writev", "pread64", "pwrite64", "close", "lseek", "fstat", "newfstatat",
	"recvfrom", "sendto", "recvmsg", "sendmsg", "accept4", "sendfile", "splice", "fcntl", "setsockopt", "getsockopt",
	"getsockname", "getpeername", "shutdown", "epoll_ctl", "epoll_pwait", "epoll_wait"}

// exceptBusy returns the table of a stage that stages of which nothing is known yet may follow: but for busy calls, and
// for what stays allowed in every stage, all is refused.
func exceptBusy(t *policy.Table) *policy.Table {
	narrow := *t
	narrow.Calls = make([]policy.Decision, len(t.Calls))
	for i, d := range t.Calls {
		narrow.Calls[i] = d
		if slices.Contains(busy[:], d.Name) {
			continue
		}
		var clauses []policy.Clause
		for _, c := range d.Clauses {
			if allows(c) && c.Origin.Kind != policy.FromFloor {
				c.Action = policy.Action{Kind: policy.Errno, Errno: 1}
			}
			clauses = append(clauses, c)
		}
		narrow.Calls[i].Clauses = clauses
	}
	return &narrow
}

// unwatched names the calls of which a stage refuses something that is not watched.
func unwatched(watched, t *policy.Table) (names []string) {
	const limit = 1 << 19
	decider := policy.NewDecider(limit)
	for _, d := range t.Whole().Calls {
		either := decider.Combine(decider.Clauses(watched.Clauses(d.Nr)), decider.Clauses(d.Clauses), func(watch, now uint32) uint32 {
			x, _ := policy.ActionOf(watch)
			y, _ := policy.ActionOf(now)
			if x.Allows() && !y.Allows() {
				return 1
			}
			return 0
		})
		if value, constant := decider.Value(either); !constant || value != 0 || decider.Err() != nil {
			names = append(names, refusal.Name(t.Arch, d.Nr))
		}
	}
	return names
}

// tell tells what is seen, for as long as the process lives.
func (o *observations) tell(m *machine) {
	for {
		var call lock.Observed
		m.session.NextObserved(&call)
		if told := o.add(&call); told != nil {
			m.mu.Lock()
			logger := m.logger
			m.mu.Unlock()
			if logger != nil {
				told(logger)
			}
		}
	}
}

// Of one call and rule, stacks that differ are told, up to toldEach; then every tenth, hundredth, … time.
const toldEach = 8

// add counts a call, and returns what is to be told of it; nil: nothing is.
func (o *observations) add(call *lock.Observed) func(Logger) {
	o.mu.Lock()
	defer o.mu.Unlock()
	j := o.judges[call.Judge]
	by, text := j.table.Eval(call.Nr, call.Args), refusal.Call(o.log.Arch, call.Nr, call.Args, named(o.log.Arch, call))
	if call.Arch != o.log.Arch.Audit {
		by, text = &j.table.Foreign, fmt.Sprintf("call %d of another architecture, %#x", call.Nr, call.Arch)
	}
	x := o.log.Add(call.Nr, call.Args, by)
	x.Count += int(call.More)
	stack := traceback(call.Stack[:call.Frames])
	i := slices.Index(o.log.Seen, x)
	if i == len(o.seen) {
		o.seen = append(o.seen, &Observation{
			Stage: j.stage, Rule: refusal.Whose(by.Origin), Gets: by.Action.Text(o.log.Arch), Call: text,
		})
		o.stacks = append(o.stacks, make(map[string]bool))
	}
	s := o.seen[i]
	before := s.Count
	s.Count = x.Count
	if s.Stack == "" {
		s.Stack = stack
	}
	fresh := !o.stacks[i][stack] && len(o.stacks[i]) < toldEach && (stack != "" || before == 0)
	if fresh {
		o.stacks[i][stack] = true
	}
	if !fresh && !passes(before, s.Count) {
		return nil
	}
	s.Allow = o.allowing(x)
	fields := []any{"stage", j.stage, "call", text, "gets", s.Gets, "rule", s.Rule,
		"allow", s.Allow, "thread", call.Thread, "count", s.Count}
	if stack != "" {
		fields = append(fields, "stack", stack)
	}
	return func(l Logger) { l.Warnw("seccomp would refuse", fields...) }
}

// named returns the name of the file that a call is given, the first one if there are two.
func named(arch *kernel.Arch, call *lock.Observed) map[int]string {
	c, ok := arch.CallNr(call.Nr)
	if !ok {
		return nil
	}
	args := refusal.FileNames(c)
	name, _, whole := bytes.Cut(call.Name[:], []byte{0})
	if len(args) == 0 || len(name) == 0 {
		return nil
	}
	text := strconv.Quote(string(name))
	if !whole {
		text += "…"
	}
	return map[int]string{args[0]: text}
}

// allowing returns the rule that would allow what was seen of a call; empty: none can.
func (o *observations) allowing(x *refusal.Entry) string {
	if x.By.Origin.Kind == policy.FromForeign {
		return ""
	}
	return o.log.Allowing(x.Nr)
}

// passes tells whether a power of ten lies above one number and not above another.
func passes(before, now int) bool {
	for n := 10; n <= now; n *= 10 {
		if before < n {
			return true
		}
	}
	return false
}

// traceback writes a stack as the Go runtime does. What is not Go, such as C, has only an address.
func traceback(pcs []uintptr) string {
	if len(pcs) == 0 {
		return ""
	}
	if len(pcs) > 1 && runtime.FuncForPC(pcs[1]-1) == nil { // no function of this program made the call
		pcs = slices.Delete(slices.Clone(pcs), 1, 2)
	}
	var b strings.Builder
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if f.Function == "" {
			fmt.Fprintf(&b, "%#x\n", f.PC)
		} else {
			fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return strings.TrimSuffix(b.String(), "\n")
		}
	}
}

// list returns what was seen so far.
func (o *observations) list() (all []Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, x := range o.seen {
		x.Allow = o.allowing(o.log.Seen[i])
		all = append(all, *x)
	}
	return all
}
