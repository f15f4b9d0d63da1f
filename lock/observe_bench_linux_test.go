//go:build (amd64 || arm64) && !race

package lock_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/seccomptest"
)

// callTime is how long one getpgid takes, of n.
func callTime(n int) time.Duration {
	begin := time.Now()
	for range n {
		unix.RawSyscall(unix.SYS_GETPGID, 0, 0, 0)
	}
	return time.Since(begin) / time.Duration(n)
}

var observedCost = seccomptest.Case("what observing costs", func(c *seccomptest.C) {
	plain := callTime(10_000)
	var session lock.Session
	observe(c, &session, unix.SYS_GETPGID)
	first := callTime(50) // of these the stacks are taken
	callTime(1_000)
	c.Logf("%d %d %d", plain.Nanoseconds(), first.Nanoseconds(), callTime(10_000).Nanoseconds())
})

// BenchmarkObserved measures a call that is let through and would have been refused: without observing, of the first
// ones, whose stacks are taken, and of later ones. Each time is a new process's; the medians are reported.
//
//	go test ./lock -run '^$' -bench Observed -benchtime 50x
func BenchmarkObserved(b *testing.B) {
	units := [3]string{"plain-ns", "first-ns", "later-ns"}
	var times [3][]int
	for range b.N {
		child := &listener{TB: b}
		observedCost.Run(child)
		var t [3]int
		if _, err := fmt.Sscan(child.last, &t[0], &t[1], &t[2]); err != nil {
			b.Skip("the child said ", child.last)
		}
		for i := range t {
			times[i] = append(times[i], t[i])
		}
	}
	for i, unit := range units {
		slices.Sort(times[i])
		b.ReportMetric(float64(times[i][len(times[i])/2]), unit)
	}
	b.ReportMetric(0, "ns/op") // of starting a process
}

// listener keeps what a case logs.
type listener struct {
	testing.TB
	last string
}

func (l *listener) Log(args ...any) { l.last = fmt.Sprint(args...) }
