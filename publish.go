package seccomp

import (
	"runtime"
	"time"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/published"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
)

// A publication is what others can read of the process's stages: a proc.Claim, in memory that has a descriptor.
type publication struct {
	page     *published.Page
	missing  string // why there is no page
	programs [][]lock.Instruction
}

// What a page has room for beside what is known when it is made.
const (
	roomForFields  = 2 << 10 // numbers, names, notes
	roomForSaid    = 2 << 10 // what later stages say in code
	roomForFilters = 4 << 10 // three hundred instructions more than the first stage's
	roomForStage   = 1 << 10 // and eighty for each stage
)

// prepare makes the page, once, as long as it can be made: before the first filter is in. programs are those of the
// first of some stages, of which the later ones take away less than the first.
func (p *publication) prepare(source string, programs []*filter.Program, stages int) {
	if p.page != nil {
		return
	}
	const most = 16 // bytes that an instruction takes in most filters: "21 0 12 1234,"
	first := 0
	for _, x := range programs {
		first += most * len(x.Insns)
	}
	room := roomForFields + len(source) + roomForSaid + first + roomForFilters + roomForStage*stages
	page, err := published.New(room)
	if err != nil {
		p.missing = "nothing is published in /proc/PID/fd: " + err.Error()
		return
	}
	p.page, p.missing = page, ""
}

// abandon takes the page away, when nothing came of the first Lock.
func (p *publication) abandon() {
	if p.page != nil {
		p.page.Close()
		p.page = nil
	}
}

// publish shows the stage that just came into force. It makes no system call: none may be allowed any more.
func (m *machine) publish(name string, r *Receipt) {
	if m.published.page == nil {
		r.Notes = append(r.Notes, m.published.missing)
		return
	}
	c := proc.Claim{
		Stage: name, Policy: m.policyName(), Mode: m.mode.String(), Go: runtime.Version(), Arch: runtime.GOARCH,
		Locked: time.Now(), Filters: -1, Own: len(m.published.programs),
		Allowed: r.Allowed, Known: r.Known, Dropped: len(r.Dropped), Floor: len(r.Floor),
		Verified: r.Verified, Inherited: r.Inherited, Unverified: r.Unverified, Notes: r.Notes,
		Programs: m.published.programs, Source: m.source(m.said),
	}
	if r.Before >= 0 {
		c.Filters = r.Before + len(r.Instructions)
	}
	m.published.page.Put(c.Text(m.published.page.Room()))
}

// policyName says what the stages are from.
func (m *machine) policyName() string {
	if m.base == nil {
		return "code"
	}
	return m.base.Name
}

// source returns the policy as it was written, with what is said in code.
func (m *machine) source(said []*Handle) string {
	if m.words == nil {
		return m.text
	}
	return m.words.source(m.base, m.text, said)
}
