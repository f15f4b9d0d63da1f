package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/proc"
)

// met tells whether a result is what was wanted.
func (w want) met(result string) bool {
	switch w {
	case done, refused, absent, killed:
		return result == string(w)
	case reached:
		return result != string(refused) && result != string(absent) && result != string(killed)
	}
	return true
}

const rowFormat = "%-40s %-12s %-12s %s\n"

func (t *selfTest) heading() { fmt.Printf(rowFormat, "", "before", "after init", "after serve") }

// row prints what came of a probe at each point, and holds it against what was wanted.
func (t *selfTest) row(p probe, results ...string) {
	mark := ""
	for i, r := range results {
		// Where this kernel hasn't got the thing at all, it can't be refused either.
		missing := p.want[0] == either && i > 0 && results[0] == r && (r == "SIGSEGV" || r == "ENOSYS")
		if !missing && !p.want[i].met(r) {
			mark = "   <- not as expected"
			t.expect(false, "%s: %s, where %s was expected (%s)", p.name, r, p.want[i], at(i))
		}
	}
	fmt.Printf(rowFormat, p.name, results[0], results[1], results[2]+mark)
}

func at(i int) string { return [...]string{"before any lock", "after init", "after serve"}[i] }

// threads prints what the kernel shows of each thread, as another process sees it.
func (t *selfTest) threads(states []proc.State) {
	own := -1
	if mine, err := (proc.FS{}).Threads(os.Getpid()); err == nil {
		own = mine[0].Filters // a container's, or -1 where the kernel doesn't say
	}
	kinds := map[string]int{}
	for _, s := range states {
		if s.Exiting() {
			continue
		}
		kinds[fmt.Sprintf("seccomp mode %v, %d filters, no_new_privs %t", s.Mode, s.Filters, s.NoNewPrivs)]++
		t.expect(s.Mode == proc.Filter, "thread %d has seccomp mode %v", s.Tid, s.Mode)
		t.expect(s.NoNewPrivs, "thread %d could gain privileges by exec", s.Tid)
		t.expect(own < 0 || s.Filters == own+2, "thread %d has %d filters, not 2 more than this process", s.Tid, s.Filters)
	}
	t.expect(len(kinds) == 1, "the threads differ")
	fmt.Printf("\n/proc shows, of %d threads:\n", len(states))
	var lines []string
	for kind, count := range kinds {
		lines = append(lines, fmt.Sprintf("%5d  %s", count, kind))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Println(line)
	}
}

// figures prints what each stage dropped, in numbers, and what it took to lock it.
func (t *selfTest) figures(receipts []seccomp.Receipt) {
	if !t.expect(len(receipts) == 2, "%d stages were locked, not 2", len(receipts)) {
		return
	}
	fmt.Printf("\nOf %d system calls:\n", receipts[0].Known)
	for i, r := range receipts {
		instructions := 0
		for _, n := range r.Instructions {
			instructions += n
		}
		fmt.Printf("%5d  allowed after %s: %d dropped by %d instructions, on %d threads, in %d µs (%d of them the kernel's)\n",
			r.Allowed, r.Stage, len(r.Dropped), instructions, r.Verified+max(0, r.Inherited), r.Total.Microseconds(),
			r.Install.Microseconds())
		t.expect(r.Unverified == "", "stage %s: %s", r.Stage, r.Unverified)
		t.expect(len(r.Dropped) > 0, "stage %s dropped nothing", r.Stage)
		t.expect(i == 0 || r.Allowed < receipts[i-1].Allowed, "stage %s allows as much as the one before", r.Stage)
	}
	fmt.Printf("%5d  of these only as the Go runtime itself makes them\n", len(receipts[1].Floor))
}
