package lock_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

// Two stages, the second of which can open nothing any more, and a thread for whom only inheritance speaks.
var stages = seccomptest.Case("stages", func(c *seccomptest.C) {
	threads(5)
	var s lock.Session
	r, err := s.Install(one("init", refuse(unix.EPERM, unix.SYS_GETPPID)))
	c.Must(err)
	want(c, "receipt of init", r.Stage == "init" && slices.Equal(r.Instructions, []int{4}) && r.Before == given.Filters &&
		r.Verified >= 6 && r.Inherited >= 0 && r.Unverified == "" && len(r.Notes) == min(1, given.Filters), r)
	want(c, "times", r.Prepare > 0 && r.Install > 0 && r.Verify > 0, r)
	c.Refused(unix.EPERM, "getppid", getppid)
	c.Allowed("open", openNull)
	each(c, 1, true)

	threads(40) // more than the runtime has idle
	all, err := os.ReadDir("/proc/self/task")
	c.Must(err)
	last := one("serve", refuse(unix.EACCES, unix.SYS_OPENAT, unix.SYS_SECCOMP, unix.SYS_PRCTL))
	last.Last = true
	r2, err := s.Install(last)
	c.Must(err)
	want(c, "receipt of serve", r2.Before == given.Filters+1 && r2.Verified >= 5 && r2.Verified <= 8 && r2.Inherited >= 10 && r2.Unverified == "" &&
		r2.Verified+r2.Inherited >= len(all), r2)
	c.Refused(unix.EACCES, "open", openNull)
	c.Refused(unix.EPERM, "getppid", getppid)
	c.Allowed("a new thread", func() error { threads(2); return nil })

	_, err = s.Install(one("more", refuse(unix.EPERM)))
	want(c, "a stage after the last", errors.Is(err, lock.ErrLast), err)
	c.Logf("init %v + %v + %v, serve %v + %v + %v", r.Prepare, r.Install, r.Verify, r2.Prepare, r2.Install, r2.Verify)
})

func TestStages(t *testing.T) { stages.Run(t) }

// no_new_privs is what lets an ordinary user lock: without the right to go without.
func TestStagesUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the other tests run unprivileged already")
	}
	stages.RunWith(t, seccomptest.Options{User: 65534})
}

var descriptors = seccomptest.Case("descriptors", func(c *seccomptest.C) {
	open := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		c.Must(err)
		return len(fds)
	}
	var s lock.Session
	_, err := s.Prepare() // or the poller's descriptors may come in between
	c.Must(err)
	before := open()
	_, err = s.Install(one("a", long(3)))
	c.Must(err)
	want(c, "kept for the next stage", open() > before, open())
	_, err = s.Install(lock.Stage{Name: "b", Filters: [][]lock.Instruction{long(3)}, Last: true})
	c.Must(err)
	want(c, "closed after the last", open() == before, open())
})

func TestDescriptors(t *testing.T) { descriptors.Run(t) }

// Several filters of one stage come together or not at all.
var several = seccomptest.Case("several", func(c *seccomptest.C) {
	var s lock.Session
	bad := []lock.Instruction{{Code: 0xffff}, {Code: ret}}
	for range 100 { // on whatever thread comes, the main one too
		r, err := s.Install(lock.Stage{Name: "init", Filters: [][]lock.Instruction{refuse(unix.EPERM, unix.SYS_GETPPID), bad}})
		want(c, "a bad second filter", errors.Is(err, lock.ErrInvalid) && errors.Is(err, unix.EINVAL), err)
		want(c, "its receipt", len(r.Instructions) == 0 && r.Verified == 0, r)
		clean(c)
	}
	c.Allowed("getppid", getppid)

	r, err := s.Install(lock.Stage{Name: "init", Filters: [][]lock.Instruction{
		refuse(unix.EPERM, unix.SYS_GETPPID), long(4096), refuse(unix.EACCES, unix.SYS_GETPPID),
	}})
	c.Must(err)
	want(c, "receipt", slices.Equal(r.Instructions, []int{4, 4096, 4}) && r.Verified > 0, r)
	c.Refused(unix.EACCES, "getppid, of which the newest speaks", getppid)
	each(c, 3, true)
})

func TestSeveral(t *testing.T) { several.Run(t) }

// The first of these would keep the others out, by killing the process.
var seccompFirst = seccomptest.Case("a first filter that refuses seccomp", func(c *seccomptest.C) {
	kills := answer(unix.SECCOMP_RET_KILL_PROCESS, unix.SYS_SECCOMP)
	var s lock.Session
	_, err := s.Install(lock.Stage{Name: "serve", Filters: [][]lock.Instruction{kills, long(5), kills}})
	want(c, "two of them", errors.Is(err, lock.ErrInvalid) && strings.Contains(err.Error(), "filters 1 and 3"), err)
	clean(c)
	r, err := s.Install(lock.Stage{Name: "serve", Last: true, Filters: [][]lock.Instruction{
		kills, long(5), refuse(unix.EPERM, unix.SYS_GETPPID),
	}})
	c.Must(err)
	want(c, "receipt", slices.Equal(r.Instructions, []int{5, 4, 4}) && r.Unverified == "", r)
	each(c, 3, true)
	c.Refused(unix.EPERM, "getppid", getppid)
	c.Dies(unix.SIGSYS, "seccomp", func() error { sys.SetModeFilter(0, long(2)); return nil })
})

func TestSeccompFirst(t *testing.T) { seccompFirst.Run(t) }

// clean demands that the process is as it was given: its filters, its no_new_privs. The thread that tried is given time to end.
func clean(c *seccomptest.C) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		states, err := (proc.FS{}).Threads(os.Getpid())
		c.Must(err)
		if !slices.ContainsFunc(states, func(s proc.State) bool {
			return s.Mode != given.Mode || max(0, s.Filters) != given.Filters || s.NoNewPrivs != given.NoNewPrivs
		}) {
			return
		}
		if time.Now().After(deadline) {
			c.Errorf("threads are left that differ: %+v", states)
			return
		}
		time.Sleep(time.Millisecond)
	}
}
