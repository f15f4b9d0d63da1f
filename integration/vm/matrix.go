package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// matrix runs the suites on machines, one after the other, and prints a line for each.
func matrix(s store, args []string) error {
	flags := flag.NewFlagSet("matrix", flag.ExitOnError)
	fast := flags.Bool("fast", false, "the machines and suites of the fast part alone")
	get := flags.Bool("fetch", false, "fetch the kernels that are missing")
	only := flags.String("suite", "", "comma-separated `packages`: these suites alone")
	verbose := flags.Bool("v", false, "show the consoles as well")
	flags.Parse(args)
	wanted, err := find(flags.Args(), *fast)
	if err != nil {
		return err
	}
	var run []suite
	for _, suite := range suites {
		if *only == "" || strings.Contains(","+*only+",", ","+suite.name()+",") {
			run = append(run, suite)
		}
	}
	b, err := newBuilder()
	if err != nil {
		return err
	}
	defer b.close()

	fmt.Printf("%-8s %-30s %6s %7s %6s %7s  %s\n", "arch", "kernel", "passed", "skipped", "failed", "seconds", "its seccomp lacks")
	var errs []error
	for _, m := range wanted {
		start := time.Now()
		if *get {
			if err := s.fetch(m, 5*time.Minute); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", m.name(), err))
				continue
			}
		}
		var here []suite
		for _, suite := range run {
			if suite.runsOn(m) && !(*fast && suite.slow) {
				here = append(here, suite)
			}
		}
		console, retried, err := b.run(s, m, here, *verbose)
		if err != nil && console == "" {
			errs = append(errs, fmt.Errorf("%s: %w", m.name(), err))
			continue
		}
		res, perr := parse(strings.NewReader(console))
		if perr != nil {
			return perr
		}
		res.judge(here)
		if err != nil {
			res.failed = append(res.failed, err.Error())
		}
		log := filepath.Join(s.dir, filepath.FromSlash(m.name()), "console")
		if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(log, []byte(console), 0o644); err != nil {
			return err
		}
		fmt.Printf("%-8s %-30s %6d %7d %6d %7.0f  %s\n", m.arch, res.kernel, res.passed, len(res.skips), len(res.failed),
			time.Since(start).Seconds(), res.lacks)
		for _, line := range res.bySkip() {
			fmt.Println("    skipped", line)
		}
		if retried {
			fmt.Println("    RETRY: it came up at the second try only")
		}
		if len(res.failed) > 0 {
			fmt.Println("    failed ", strings.Join(res.failed, "\n            "))
			fmt.Println("    console", log)
			errs = append(errs, fmt.Errorf("%s: %d failures", m.name(), len(res.failed)))
		}
	}
	return errors.Join(errs...)
}

// run builds the suites for a machine, and runs them there.
func (b *builder) run(s store, m machine, wanted []suite, verbose bool) (console string, retried bool, err error) {
	var g guest
	if m.suite != host {
		if g, err = b.guest(s, m); err != nil {
			return "", false, err
		}
	}
	var programs []program
	for _, suite := range wanted {
		at := filepath.Join(b.dir, m.arch, suite.name()+".test")
		if err := b.test(m.arch, suite, at); err != nil {
			return "", false, err
		}
		args := []string{"-test.v", fmt.Sprintf("-test.timeout=%ds", suite.seconds-10)}
		if suite.run != "" {
			args = append(args, "-test.run="+suite.run)
		}
		if suite.skip != "" {
			args = append(args, "-test.skip="+suite.skip)
		}
		if suite.short {
			args = append(args, "-test.short")
		}
		programs = append(programs, program{Name: suite.name(), File: at, Dir: "/src/" + suite.pkg, Args: args,
			Env: []string{"STAGELOCK_SECCOMPTEST_PATIENCE=5"}, Seconds: suite.seconds})
	}
	var text strings.Builder
	var w io.Writer = &text
	if verbose {
		w = io.MultiWriter(&text, os.Stdout)
	}
	if m.suite == host {
		err := b.native(m, programs, w)
		return text.String(), false, err
	}
	for _, pkg := range built {
		at := filepath.Join(b.dir, m.arch, "built", strings.ReplaceAll(pkg, "/", "-"))
		if err := b.goTool(m.arch, "build", "-ldflags=-s -w", "-o", at, "./"+pkg); err != nil {
			return "", false, err
		}
		g.built = append(g.built, at)
	}
	retried, err = g.boot(programs, w)
	return text.String(), retried, err
}
