package seccomp

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/refusal"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// A busy thread may not answer in time when it is asked for its stack: then an observation has that of a later time, and
// keeps the first that it got.
func TestStackOfALaterTime(t *testing.T) {
	f, err := rule.Parse("p", "stage serve\n  use all\n  sys_getpgid: 0\n")
	if err != nil {
		t.Fatal(err)
	}
	checked, err := check(f)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := stage.New(checked, nil)
	if err != nil {
		t.Fatal(err)
	}
	arch := kernel.Native()
	getpgid, _ := arch.Call("getpgid")
	o := observations{log: refusal.Log{Arch: arch}, judges: []judge{{stage: "serve", table: plan.Stages[0].Table}}}
	for n, want := range []string{"", "TestStackOfALaterTime", "TestStackOfALaterTime", "TestStackOfALaterTime"} {
		call := lock.Observed{Nr: getpgid.Nr, Arch: arch.Audit}
		switch n {
		case 1:
			call.Frames = runtime.Callers(1, call.Stack[:])
		case 2:
			call.Frames = runtime.Callers(2, call.Stack[:])
		}
		o.add(&call)
		seen := o.list()
		if len(seen) != 1 || seen[0].Count != n+1 {
			t.Fatalf("after %d calls: %+v", n+1, seen)
		}
		if got := seen[0].Stack; got == "" != (want == "") || !strings.Contains(got, want) {
			t.Errorf("after %d calls the stack is %q, want one with %q", n+1, got, want)
		}
	}
}
