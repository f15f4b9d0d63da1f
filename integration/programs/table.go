package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// table prints what each stage of each program leaves.
func table(w io.Writer, chosen []program) error {
	fmt.Fprintf(w, "| program | stage | calls allowed, of %d | of these for the runtime alone | dangerous calls open, of %d | can still |\n",
		len(kernel.Native().Calls()), known(kernel.Native()))
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, p := range chosen {
		plan, err := plan(p)
		if err != nil {
			return err
		}
		for i := range plan.Stages {
			s := &plan.Stages[i]
			allowed, _ := s.Counts()
			fmt.Fprintf(w, "| %s | %s | %d | %d | %s | %s |\n", p.name, s.Name, allowed, runtimeOnly(s),
				counted(open(s)), cmp.Or(strings.Join(able(s), ", "), "use what is open"))
		}
	}
	return nil
}

// counted says how many there are, and which.
func counted(names []string) string {
	if len(names) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d: %s", len(names), strings.Join(names, ", "))
}

// plan works out the stages of a program, as the program itself does.
func plan(p program) (*stage.Plan, error) {
	file := p.policyFile()
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	tree, err := rule.Parse(file, string(text))
	if err != nil {
		return nil, err
	}
	build := runtimeset.Running()
	build.Cgo = false
	checked, err := policy.Check(tree, policy.Target{Arch: kernel.Native(), Sets: runtimeset.For(build)})
	if err != nil {
		return nil, err
	}
	return stage.New(checked, stage.Env{"self.pid": uint64(os.Getpid()), "runtime.epollfd": 4, "runtime.eventfd": 5})
}

// A measurement is what rounds of one program gave: uses in a second without and with its stages.
type measurement struct{ off, locked []float64 }

// throughput prints how much of its throughput each program has under its last stage. In each round a program runs twice,
// without and with its stages, in changing order.
func throughput(w io.Writer, chosen []program, rounds int, each time.Duration) error {
	bin, err := os.MkdirTemp("", "programs")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	peer, stop, err := startPeer()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintln(w, "| program | uses a second, unlocked | locked: unlocked, median | the quarters |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, p := range chosen {
		if err := build(bin, "", false, p); err != nil {
			return err
		}
		var m measurement
		for round := range rounds {
			if err := m.round(bin, p, peer, each, round%2 == 0); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
		ratios := make([]float64, rounds)
		for i := range ratios {
			ratios[i] = m.locked[i] / m.off[i]
		}
		fmt.Fprintf(w, "| %s | %.0f | %.2f | %.2f–%.2f |\n", p.name, quantile(m.off, 0.5), quantile(ratios, 0.5),
			quantile(ratios, 0.25), quantile(ratios, 0.75))
	}
	return nil
}

// round measures once without and once with the stages.
func (m *measurement) round(bin string, p program, peer string, each time.Duration, lockedFirst bool) error {
	for _, locked := range []bool{lockedFirst, !lockedFirst} {
		mode, into := "off", &m.off
		if locked {
			mode, into = "enforce", &m.locked
		}
		rate, err := rate(bin, p, peer, mode, each)
		if err != nil {
			return err
		}
		*into = append(*into, rate)
	}
	return nil
}

// rate starts a program and measures how often four clients use it in a second.
func rate(bin string, p program, peer, mode string, each time.Duration) (float64, error) {
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	at, err := newPlace(dir, peer)
	if err != nil {
		return 0, err
	}
	r, err := start(bin, p, at, mode)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := until(ctx, func(ctx context.Context) error { return p.visit(ctx, at) }); err != nil {
		return 0, errors.Join(err, r.kill())
	}
	measured, enough := context.WithTimeout(ctx, each)
	defer enough()
	from := time.Now()
	uses, err := load(measured, p, at, 4)
	took := time.Since(from)
	return float64(uses) / took.Seconds(), errors.Join(err, r.stop())
}

// quantile returns the value below which the part q of the values lie.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
