package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	gvisor "gvisor.dev/gvisor/pkg/seccomp"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// A contest is one way from a policy to a program. What it begins with is made beforehand and warm: the text for ours,
// whose built-in sets have been read, as the others' tables are made when a program starts; for the others a policy
// that is built already, of the same calls and values.
type contest struct {
	name    string
	prepare func(*shared) (func() error, error)
}

var contests = []contest{
	{"stagelock: parse, check, plan, compile", func(s *shared) (func() error, error) {
		read := sets()
		return func() error { return fromText(s.text, read) }, nil
	}},
	{"parse, check and compile alone", func(s *shared) (func() error, error) {
		read := sets()
		plan, err := planned(s.text)
		if err != nil {
			return nil, err
		}
		table := plan.Filter(-1, 0)
		return func() error {
			if _, err := checked(s.text, read); err != nil {
				return err
			}
			_, err := filter.Compile(table, filter.Options{})
			return err
		}, nil
	}},
	{"all, built-in sets read anew", func(s *shared) (func() error, error) {
		return func() error { return fromText(s.text, sets()) }, nil
	}},
	{elasticAlone, func(s *shared) (func() error, error) {
		p := elasticPolicy(s)
		return func() error { _, err := p.Assemble(); return err }, nil
	}},
	{"the same, and encoded", func(s *shared) (func() error, error) {
		p := elasticPolicy(s)
		return func() error { _, err := elasticProgram(p); return err }, nil
	}},
	{"libseccomp", libseccompContest(1)},
	{"libseccomp, tree", libseccompContest(2)},
	{gvisorAlone, func(s *shared) (func() error, error) {
		p := gvisor.Program{RuleSets: []gvisor.RuleSet{{Rules: gvisorRules(s), Action: gvisor.Allow}}, Options: gvisorOptions}
		return func() error { _, _, err := p.Build(); return err }, nil
	}},
}

// The contests that ours is held against.
const (
	elasticAlone = "elastic 1.6.0: Assemble alone"
	gvisorAlone  = "gVisor 2026-09: Build alone"
)

func libseccompContest(optimize int) func(*shared) (func() error, error) {
	return func(s *shared) (func() error, error) {
		_, err := compileLibseccomp(s, optimize)
		return func() error { _, err := compileLibseccomp(s, optimize); return err }, err
	}
}

func fromText(text string, read policy.Library) error {
	p, err := checked(text, read)
	if err != nil {
		return err
	}
	plan, err := stage.New(p, nil)
	if err != nil {
		return err
	}
	_, err = filter.Compile(plan.Filter(-1, 0), filter.Options{})
	return err
}

func checked(text string, read policy.Library) (*policy.Policy, error) {
	f, err := rule.Parse("server.policy", text)
	if err != nil {
		return nil, err
	}
	return policy.Check(f, policy.Target{Arch: arch, Sets: read})
}

// A run is what one contest took.
type run struct {
	name          string
	do            func() error
	times         []float64 // ns for one compilation, of each round
	allocs, bytes float64   // of one compilation
}

// A turn lasts about so long: enough for every compiler to pay for several garbage collections that it causes (the heap
// has 4 MB before the first), and for what it needs to get into the processor's caches again to count for little.
const turn = 25 * time.Millisecond

// compiling runs all contests in turn in this process, and prints what one compilation takes: the median over the
// rounds, the least, and how many times as much as elastic's Assemble and gVisor's Build that is: the median of what
// each round says, in which the two stood side by side.
func compiling(rounds int) error {
	s, err := readShared()
	if err != nil {
		return err
	}
	var runs []*run
	for _, c := range contests {
		do, err := c.prepare(s)
		if err == errNoLibseccomp {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		r := &run{name: c.name, do: do}
		if err := r.count(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		runs = append(runs, r)
	}
	for range rounds {
		for _, r := range runs {
			runtime.GC() // nobody pays for the one before
			n := 0
			start := time.Now()
			for time.Since(start) < turn {
				if err := r.do(); err != nil {
					return fmt.Errorf("%s: %w", r.name, err)
				}
				n++
			}
			r.times = append(r.times, float64(time.Since(start).Nanoseconds())/float64(n))
		}
	}
	return printRuns(runs, rounds)
}

// count counts what a compilation allocates.
func (r *run) count() error {
	const runs = 20
	var before, after runtime.MemStats
	for i := range runs + 1 {
		if i == 1 { // the first one pays for what is made once
			runtime.ReadMemStats(&before)
		}
		if err := r.do(); err != nil {
			return err
		}
	}
	runtime.ReadMemStats(&after)
	r.allocs = float64(after.Mallocs-before.Mallocs) / runs
	r.bytes = float64(after.TotalAlloc-before.TotalAlloc) / runs
	return nil
}

func printRuns(runs []*run, rounds int) error {
	find := func(name string) *run {
		return runs[slices.IndexFunc(runs, func(r *run) bool { return r.name == name })]
	}
	elastic, gv := find(elasticAlone), find(gvisorAlone)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "compiling, %d rounds:\tmedian µs\tleast µs\tallocations\tKB\t× Assemble\t× Build\t\n", rounds)
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.0f\t%.1f\t%.2f\t%.4f\t\n", r.name, middle(r.times)/1000, slices.Min(r.times)/1000,
			r.allocs, r.bytes/1000, r.against(elastic), r.against(gv))
	}
	return w.Flush()
}

// against returns the median of how many times as long as other r took.
func (r *run) against(other *run) float64 {
	ratios := make([]float64, len(r.times))
	for i := range ratios {
		ratios[i] = r.times[i] / other.times[i]
	}
	return middle(ratios)
}

// middle returns the median.
func middle(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
