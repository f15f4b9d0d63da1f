package seccomp

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/testchild"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// process is the state of the one process there is: what it was told, and how far it went.
var process machine

// A machine goes through the stages of a process.
type machine struct {
	mu           sync.Mutex
	mode         Mode
	logger       Logger
	news         []func(Logger) // what it is yet to be told
	base         *policy.Policy // the policy that is followed, the declared or the default one; nil: handles say all
	text         string         // base as it was written
	declared     bool           // it is the program's own
	drawn        *stage.Plan    // of the declared policy, without the values that only the process knows
	words        *words         // nil: neither was one declared, nor has a handle said anything
	said         []*Handle      // the stages that were said in code, in the order in which they were locked
	session      lock.Session
	env          stage.Env
	begun        bool // a Lock that was asked for has begun: what it works with is settled
	plan         *stage.Plan
	at           int // the place in plan of the stage in force, if there is one
	inForce      *Handle
	act          func(*machine, step) (*Receipt, error) // goes to a stage: enforce, or what SetMode says
	observations *observations                          // in mode Observe
	observed     func() []Observation                   // tells them; nil where there are none, so that other programs do not link how
	receipts     []Receipt
	err          error // the first failure

	published publication
}

func (m *machine) declare(file, text string) error {
	m.mu.Lock()
	defer m.unlock()
	if m.declared || m.begun {
		return m.fail(ErrDeclared)
	}
	// All mistakes show now, not in the middle of the program's start.
	f, mistakes := rule.Parse(file, text)
	if f == nil {
		return m.fail(mistakes)
	}
	p, err := check(f)
	var plan *stage.Plan
	switch err {
	case nil:
		plan, err = stage.Draw(p)
	case errArch:
		err = mistakes
	}
	if err != nil {
		return m.fail(err)
	}
	m.base, m.text, m.declared, m.drawn, m.words = p, text, true, plan, wordsAbout(f)
	return nil
}

func (m *machine) setMode(mode Mode, observe func(*machine, step) (*Receipt, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if int(mode) >= len(modes) {
		return fmt.Errorf("there is no mode %d: the modes are %s", uint8(mode), strings.Join(modes[:], ", "))
	}
	if m.begun && mode != m.mode {
		return fmt.Errorf("mode %v comes too late: %w", mode, ErrOrder)
	}
	m.mode, m.act = mode, nil
	if mode == Observe {
		m.act = observe
	}
	return nil
}

func (m *machine) setLogger(l Logger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logger = l
}

// lock puts the stage that h names in force.
func (m *machine) lock(h *Handle) error {
	m.mu.Lock()
	defer m.unlock()
	switch {
	case m.err != nil:
		return &Error{h.name, &afterFailure{m.err}}
	case m.mode == Off:
		m.tell(func(l Logger) { l.Warnw("seccomp is off", "stage", h.name) })
		return &Error{h.name, ErrOff}
	case m.inForce != nil && (m.inForce.equal(h) || m.inForce.name == h.name && !h.says()):
		return m.done(h)
	}
	if !m.begun {
		m.begin(h)
	}
	receipt, err := m.advance(h)
	if receipt != nil {
		m.receipts = append(m.receipts, *receipt)
		m.inForce = h
		m.report(receipt)
	}
	if err != nil {
		if m.mode == Observe {
			err = &notObserved{err}
		}
		return m.fail(&Error{h.name, err})
	}
	return m.done(h)
}

// done is what Lock returns when all is as it was asked for.
func (m *machine) done(h *Handle) error {
	if m.mode == Observe {
		return &Error{h.name, ErrObserving}
	}
	return nil
}

// begin settles which policy is followed: the declared one, the default one where neither it nor the first handle says
// anything, or none, where handles say it all.
func (m *machine) begin(h *Handle) {
	m.begun = true
	if !m.declared && !h.says() {
		_, m.text = runtimeset.Default()
		m.base = runtimeset.NativeDefault(runtimeset.Running())
	}
}

// errArch means that the tables don't know the architecture that the program runs on.
var errArch = errors.New("the system calls of " + runtime.GOARCH + " are unknown")

// advance goes to the stage that h names. A receipt means that it is in force, whatever the error.
func (m *machine) advance(h *Handle) (*Receipt, error) {
	start := time.Now()
	if runtime.GOOS != "linux" {
		return nil, ErrNotSupported
	}
	if h.name == "" {
		return nil, fmt.Errorf("%w: a stage has a name", ErrNoStage)
	}
	if testchild.TestBinary() && !testchild.Inside() {
		return nil, ErrTestBinary
	}
	if m.env == nil {
		if err := m.prepare(); err != nil {
			return nil, err
		}
	}
	next, to, said, err := m.planFor(h)
	if err != nil {
		return nil, err
	}
	from := -1
	if m.inForce != nil {
		if from = m.at; to <= from {
			return nil, fmt.Errorf("%w: stage %s is in force already", ErrOrder, m.plan.Stages[from].Name)
		}
	}
	act := m.act
	if act == nil {
		act = enforce
	}
	receipt, err := act(m, step{h.name, next, from, to, said, start})
	if receipt != nil {
		m.plan, m.at, m.said = next, to, said
		m.publish(h.name, receipt)
	}
	return receipt, err
}

// A step is the way from one stage, or none, to another.
type step struct {
	name     string
	plan     *stage.Plan
	from, to int       // places in plan; from is -1 where nothing is in force
	said     []*Handle // in code, up to this stage
	start    time.Time // of all the work
}

// enforce puts a stage in force. A receipt means that it is, whatever the error.
func enforce(m *machine, s step) (*Receipt, error) {
	table := s.plan.Filter(s.from, s.to)
	programs, err := m.compile(table)
	if err != nil {
		return nil, tooLarge(err)
	}
	install := lock.Stage{Name: s.name, Last: s.to == len(s.plan.Stages)-1 && !s.plan.Policy.Open}
	for _, p := range programs {
		install.Filters = append(install.Filters, instructions(p))
	}
	if m.inForce == nil {
		m.published.prepare(m.source(s.said), programs, len(s.plan.Stages))
	}
	var silent error
	if m.words != nil {
		silent = m.words.sayTraps(s.plan.Stages[s.to].Table, m.env["self.pid"])
	}
	planned := time.Since(s.start)
	done, err := m.session.Install(install)
	if err != nil && !errors.Is(err, ErrUnverified) {
		if m.inForce == nil {
			m.published.abandon()
		}
		return nil, err
	}
	receipt := newReceipt(s.plan, s.from, s.to, planned, done)
	if silent != nil {
		receipt.Notes = append(receipt.Notes, "no line will say which call was trapped: "+silent.Error())
	}
	m.published.programs = append(m.published.programs, install.Filters...)
	return receipt, err
}

// compile compiles a table.
func (m *machine) compile(t *policy.Table) ([]*filter.Program, error) {
	if m.words == nil {
		return filter.Compile(t, filter.Options{})
	}
	return m.words.compile(t)
}

// instructions returns a program as package lock takes it.
func instructions(p *filter.Program) []lock.Instruction {
	insns := make([]lock.Instruction, len(p.Insns))
	for i, x := range p.Insns {
		insns[i] = lock.Instruction{Code: x.Op, Jt: x.Jt, Jf: x.Jf, K: x.K}
	}
	return insns
}

// prepare brings the runtime into a known state, and learns the process's own values.
func (m *machine) prepare() error {
	rt, err := m.session.Prepare()
	if err != nil {
		return err
	}
	m.env = stage.Env{"self.pid": uint64(rt.Pid)}
	if rt.EventFD >= 0 {
		m.env["runtime.eventfd"] = uint64(rt.EventFD)
	}
	if rt.EpollFD >= 0 {
		m.env["runtime.epollfd"] = uint64(rt.EpollFD)
	}
	return nil
}

// planFor returns the plan to which h belongs, the place of h in it, and what was said in code up to it.
func (m *machine) planFor(h *Handle) (p *stage.Plan, at int, said []*Handle, err error) {
	said = m.said
	if m.base == nil && slices.ContainsFunc(said, func(s *Handle) bool { return s.name == h.name }) {
		return nil, 0, nil, fmt.Errorf("%w: stage %s is in force, and says something else: give it another name", ErrOrder,
			h.name)
	}
	if h.says() {
		settled := *h
		if m.inForce != nil {
			settled.behind = m.at + 1 - len(said)
		}
		said = append(slices.Clip(said), &settled)
	}
	switch {
	case m.plan != nil && !h.says():
		p = m.plan
	case m.drawn != nil && len(said) == 0:
		p = m.drawn.With(m.env)
	case len(said) > 0:
		if m.words == nil {
			m.words = h.own()
		}
		var meaning *policy.Policy
		if meaning, err = m.words.compose(m.base, m.text, said); err == nil {
			p, err = m.words.plan(meaning, m.env)
		}
	case m.base == nil:
		err = errArch
	default:
		p, err = stage.Again(m.base, m.env)
	}
	if err != nil {
		return nil, 0, nil, err
	}
	name := h.name
	if h.says() && m.base != nil {
		name = inCode(said, len(said)-1)
	}
	at, ok := p.Index(name)
	if !ok {
		return nil, 0, nil, m.noStage(h, p)
	}
	return p, at, said, nil
}

// noStage says that there is no stage of h's name, and which there are.
func (m *machine) noStage(h *Handle, p *stage.Plan) error {
	var names []string
	for _, s := range p.Stages {
		names = append(names, s.Name)
	}
	list := strings.Join(names, ", ")
	switch {
	case m.base == nil:
		return fmt.Errorf("%w: %q says nothing: say what it consists of with Use or Rules", ErrNoStage, h.name)
	case !m.declared:
		return fmt.Errorf("%w: the default policy has %s; declare one, or say what %q consists of with Use or Rules",
			ErrNoStage, list, h.name)
	}
	return fmt.Errorf("%w: %q is not in %s, which has %s%s", ErrNoStage, h.name, p.Policy.Name,
		list, m.words.didYouMean(h.name, names))
}

// fail takes down the first failure, which makes all later steps fail, and says it on stderr and to the logger.
func (m *machine) fail(err error) error {
	if m.err == nil {
		m.err = err
	}
	fmt.Fprintf(os.Stderr, "stagelock: %v\n", err)
	m.tell(func(l Logger) { l.Errorw("seccomp failed", "error", err) })
	return err
}

// tell has something told to the logger once the machine is free, so that a logger may ask for Current.
func (m *machine) tell(news func(Logger)) { m.news = append(m.news, news) }

// unlock frees the machine and tells the logger what happened.
func (m *machine) unlock() {
	logger, news := m.logger, m.news
	m.news = nil
	m.mu.Unlock()
	if logger == nil {
		return
	}
	for _, tell := range news {
		tell(logger)
	}
}
