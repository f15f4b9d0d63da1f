package runtimeset_test

import (
	"maps"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset"
)

// untwinned are calls of 32-bit architectures beside which no set has to have the twin, and why.
var untwinned = map[[2]string]string{
	{"futex", "futex_time64"}:            "the runtime makes it from go1.26: the findings have it",
	{"timer_settime", "timer_settime64"}: "the same",
	{"getdents64", "getdents"}:           "nothing makes that any more",
	{"mmap2", "mmap"}:                    "its arguments lie in memory; Go and the C library make mmap2",
	{"clock_gettime", "clock_gettime64"}: "pure Go makes that of 32 bits: runtime/sys_linux_386.s",
	{"ppoll", "ppoll_time64"}:            "made where there is no poll, which 386 and arm have",
	{"recvmmsg", "recvmmsg_time64"}:      "golang.org/x/sys and x/net make that of 32 bits",
}

// TestTwinsStandTogether: a set that has a call, on a 32-bit architecture or on amd64, has what does the same on the
// 32-bit one by another number. Which of the two is made there is a matter of Go's release, the C library, and the
// function.
func TestTwinsStandTogether(t *testing.T) {
	used := make(map[[2]string]bool)
	for _, x := range pinned(t) {
		for _, goarch := range []string{"386", "arm"} { // those of derive.Arches that have 32 bits
			arch, _ := kernel.ByName(goarch)
			for _, cgo := range []bool{false, true} {
				b := runtimeset.Build{Arch: goarch, Go: x.Version, Cgo: cgo}
				wide := b
				wide.Arch = "amd64"
				wider := setsOf(check(t, wide, "all.policy", useAll(wide)))
				for i, s := range setsOf(check(t, b, "all.policy", useAll(b))) {
					has := callsOf(s)
					both := callsOf(wider[i])
					maps.Copy(both, has)
					for name := range both {
						for _, twin := range arch.Twins(name) {
							pair := [2]string{name, twin}
							_, exempt := untwinned[pair]
							switch {
							case has[twin]:
							case exempt:
								used[pair] = true
							default:
								t.Errorf("go%s %s, cgo %t: the set %s has %s and not %s", x.Version, goarch, cgo, s.Name, name, twin)
							}
						}
					}
				}
			}
		}
	}
	for pair := range untwinned {
		if !used[pair] {
			t.Errorf("no set has %s without %s", pair[0], pair[1])
		}
	}
}

// callsOf returns the names of the calls of a set.
func callsOf(s *policy.Set) map[string]bool {
	has := make(map[string]bool)
	for i := range s.Rules {
		has[s.Rules[i].Name] = true
	}
	return has
}
