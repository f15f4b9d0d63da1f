//go:build linux

// Stress does what the Go runtime does, one case at a time: with no stage locked, or under the floor alone and the sets
// that the case needs beyond it. Whatever it does has to end in the same way; the test beside it compares.
//
//	stress [-deny errno|kill|trap|observe] CASE
//	stress -list
//
// It reports on standard error, in lines that begin with "stress: ", because that is the only descriptor that the floor
// lets a program write to.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/stagelock/seccomp"
)

// A stressCase is one thing to do. run prepares what has to be there before the lock, calls lock, and goes on.
type stressCase struct {
	name string
	sets string // beyond the floor, as `use` takes them; empty: the floor alone
	run  func(lock func())
}

func main() {
	deny := flag.String("deny", "", "lock, and refuse by `errno`, kill or trap, or observe; empty: don't lock")
	list := flag.Bool("list", false, "print the cases")
	flag.Parse()
	all := slices.Concat(memoryCases, threadCases, pollCases, signalCases, crashCases, areaCases)
	if *list {
		for _, c := range all {
			fmt.Println(c.name)
		}
		return
	}
	i := slices.IndexFunc(all, func(c stressCase) bool { return c.name == flag.Arg(0) })
	if i < 0 {
		fmt.Fprintf(os.Stderr, "no case %q\n", flag.Arg(0))
		os.Exit(2)
	}
	locked := false
	all[i].run(func() {
		if locked {
			panic("locked twice")
		}
		locked = true
		if *deny != "" {
			sets := all[i].sets
			if other, ok := os.LookupEnv("STRESS_SETS"); ok { // the test's own test: with too little it has to fail
				sets = other
			}
			lock(*deny, sets)
		}
		report("going on")
	})
	if !locked {
		panic("never locked")
	}
	report("done")
}

// lock locks a stage that has nothing but the floor and the sets, and refuses by deny.
func lock(deny, sets string) {
	if deny == "observe" { // whatever is beyond the floor is looked at, and has to go on
		err := errors.Join(
			seccomp.SetMode(seccomp.Observe),
			seccomp.Declare("stress.policy", policyText("kill", "")),
			seccomp.Stage("stress").Lock(),
		)
		if !errors.Is(err, seccomp.ErrObserving) {
			fmt.Fprintln(os.Stderr, "stress: observe:", err)
			os.Exit(4)
		}
		return
	}
	text := policyText(deny, sets) + os.Getenv("STRESS_RULES") + "\n" // what the test takes away from the floor
	err := errors.Join(
		seccomp.Declare("stress.policy", text),
		seccomp.Stage("stress").Lock(),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "stress: lock:", err)
		os.Exit(4)
	}
}

// policyText is a policy that has nothing but the floor and the sets.
func policyText(deny, sets string) string {
	if deny == "errno" {
		deny = "errno(EPERM)"
	}
	text := "deny " + deny + "\nstage stress\n"
	if sets != "" {
		text += "\tuse " + sets + "\n"
	}
	return text
}

// report writes a line for the test to compare.
func report(format string, args ...any) {
	os.Stderr.WriteString("stress: " + strings.TrimSpace(fmt.Sprintf(format, args...)) + "\n")
}

// check ends the program where something did not work.
func check(err error) {
	if err != nil {
		report("error: %v", err)
		os.Exit(5)
	}
}
