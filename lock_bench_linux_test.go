package seccomp_test

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/seccomptest"
)

// lockTimes are what a process measured of itself while it locked the example's policy: nothing in it had run before,
// so that the time in which the kernel brings in cold code and fresh memory is part of it.
type lockTimes struct {
	Declare, Plan, Prepare, Install, Verify, Lock, Serve time.Duration
	Faults                                               int64 // pages brought in by Declare and the first Lock
}

// faults returns how many pages the kernel has brought in for the process without reading any from a disk: minflt, the
// tenth word of /proc/self/stat (proc(5)), which is open already.
func faults(c *seccomptest.C, stat *os.File) int64 {
	buf := make([]byte, 1024)
	n, _ := stat.ReadAt(buf, 0)
	_, rest, _ := bytes.Cut(buf[:n], []byte(") ")) // behind the command's name
	minflt, err := strconv.ParseInt(string(bytes.Fields(rest)[7]), 10, 64)
	c.Must(err)
	return minflt
}

var timed = seccomptest.Case("times of the first lock", func(c *seccomptest.C) {
	text, err := os.ReadFile("examples/webserver/seccomp.policy")
	c.Must(err)
	stat, err := os.Open("/proc/self/stat")
	c.Must(err)
	defer stat.Close()
	started := make(chan bool)
	for range 20 {
		go func() {
			runtime.LockOSThread()
			started <- true
			select {}
		}()
		<-started
	}

	t := lockTimes{Faults: -faults(c, stat)}
	start := time.Now()
	c.Must(seccomp.Declare("seccomp.policy", string(text)))
	t.Declare = time.Since(start)
	start = time.Now()
	c.Must(seccomp.Stage("init").Lock())
	t.Lock = time.Since(start)
	t.Faults += faults(c, stat)
	start = time.Now()
	c.Must(seccomp.Stage("serve").Lock())
	t.Serve = time.Since(start)

	r := seccomp.Current().Receipts[0]
	t.Plan, t.Prepare, t.Install, t.Verify = r.Plan, r.Prepare, r.Install, r.Verify
	if r.Verified < 20 {
		c.Errorf("%d threads were verified, want 20 and more", r.Verified)
	}
	said, err := json.Marshal(t)
	c.Must(err)
	c.Logf("%s", said)
})

func TestTimedLock(t *testing.T) { timed.Run(t) }

// said keeps what a case logs.
type said struct {
	testing.TB
	last any
}

func (s *said) Log(args ...any) { s.last = args[len(args)-1] }

// BenchmarkLock measures the first Lock of a process with 20 threads, and the second, each time in a new process, by
// its own clock, and reports medians: declare-µs is what Declare took (parse, check and the order of stages), lock-µs
// the Lock that follows, of which plan, prepare, install and verify are the parts in its Receipt; serve-µs is the
// second stage, and faults are the pages that Declare and the first Lock brought in.
func BenchmarkLock(b *testing.B) {
	units := []string{"declare-µs", "plan-µs", "prepare-µs", "install-µs", "verify-µs", "lock-µs", "serve-µs"}
	times := make([][]time.Duration, len(units))
	var pages []int64
	for range b.N {
		child := &said{TB: b}
		timed.Run(child)
		text, _ := child.last.(string)
		var t lockTimes
		if err := json.Unmarshal([]byte(text), &t); err != nil {
			b.Fatalf("the child said %q: %v", text, err)
		}
		for i, d := range []time.Duration{t.Declare, t.Plan, t.Prepare, t.Install, t.Verify, t.Lock, t.Serve} {
			times[i] = append(times[i], d)
		}
		pages = append(pages, t.Faults)
	}
	for i, unit := range units {
		slices.Sort(times[i])
		b.ReportMetric(float64(times[i][b.N/2].Nanoseconds())/1000, unit)
	}
	slices.Sort(pages)
	b.ReportMetric(float64(pages[b.N/2]), "faults")
	b.ReportMetric(0, "ns/op") // of starting a process, which says nothing
}
