package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// A measurement is what rounds of one program gave, without and with its stages.
type measurement struct{ off, locked []sample }

// A sample is what one run gave.
type sample struct {
	rate float64 // uses in a second
	cpu  float64 // seconds of processor time that the program takes for a use, the kernel's part included
}

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
	fmt.Fprintln(w, "| program | uses a second, unlocked | throughput, locked: unlocked | the quarters | processor time a use, locked: unlocked | the quarters |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
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
		var rates, ratios, cpu []float64
		for i, off := range m.off {
			rates = append(rates, off.rate)
			ratios = append(ratios, m.locked[i].rate/off.rate)
			cpu = append(cpu, m.locked[i].cpu/off.cpu)
		}
		fmt.Fprintf(w, "| %s | %.0f | %.2f | %.2f–%.2f | %.2f | %.2f–%.2f |\n", p.name, quantile(rates, 0.5),
			quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75),
			quantile(cpu, 0.5), quantile(cpu, 0.25), quantile(cpu, 0.75))
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
		s, err := measure(bin, p, peer, mode, each)
		if err != nil {
			return err
		}
		*into = append(*into, s)
	}
	return nil
}

// measure starts a program and lets four clients use it.
func measure(bin string, p program, peer, mode string, each time.Duration) (s sample, err error) {
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	at, err := newPlace(dir, peer)
	if err != nil {
		return s, err
	}
	r, err := start(bin, p, at, mode)
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := until(ctx, func(ctx context.Context) error { return p.visit(ctx, at) }); err != nil {
		return s, errors.Join(err, r.kill())
	}
	measured, enough := context.WithTimeout(ctx, each)
	defer enough()
	before, err := processorTime(r.cmd.Process.Pid)
	if err != nil {
		return s, errors.Join(err, r.kill())
	}
	from := time.Now()
	uses, err := load(measured, p, at, 4)
	took := time.Since(from)
	after, cpuErr := processorTime(r.cmd.Process.Pid)
	s = sample{rate: float64(uses) / took.Seconds(), cpu: (after - before).Seconds() / float64(uses)}
	return s, errors.Join(err, cpuErr, r.stop())
}

// processorTime returns how long a process has run so far, by its clock: "clock_getcpuclockid(3) … the CPU-time clock of
// another process", whose id is the complement of the pid, shifted by 3, and CPUCLOCK_SCHED (kernel/time/posix-cpu-timers.c).
func processorTime(pid int) (time.Duration, error) {
	const sched = 2
	var t unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|sched), &t)
	return time.Duration(t.Nano()), err
}

// quantile returns the value below which the part q of the values lie.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
