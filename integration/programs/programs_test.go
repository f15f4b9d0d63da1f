package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagelock/seccomp/integration/programs/internal/trial"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/proc"
)

var toolchain = flag.String("toolchain", "", "build the programs with this Go `release`, such as go1.25.14")

// bin has the programs, built with their trials.
var bin string

func TestMain(m *testing.M) {
	launch.Main()
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if bin, err = os.MkdirTemp("", "programs"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(bin)
	return m.Run()
}

// each runs a test for every program, built by a toolchain.
func each(t *testing.T, chosen []program, toolchain string, test func(t *testing.T, p program, at place)) {
	t.Helper()
	peer, stop, err := startPeer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	for _, p := range chosen {
		t.Run(p.name, func(t *testing.T) {
			if err := build(bin, toolchain, true, p); err != nil {
				t.Fatal(err)
			}
			at, err := newPlace(t.TempDir(), peer)
			if err != nil {
				t.Fatal(err)
			}
			test(t, p, at)
		})
	}
}

// begin starts a program, and checks what it finds after each of its locks. It is under load then, and has been visited.
func begin(t *testing.T, p program, at place) *process {
	t.Helper()
	r, err := startTrial(bin, p, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			r.kill()
		}
	})
	for i, stage := range []string{"init", "serve"} {
		n, err := r.note()
		if err != nil {
			t.Fatal(err)
		}
		if n.Stage != stage {
			t.Fatalf("stage %q is locked, want %q", n.Stage, stage)
		}
		for _, wrong := range p.compare(i, n.Results) {
			t.Errorf("after %s: %s", stage, wrong)
		}
		t.Logf("after %s: %d calls allowed of %d", stage, n.Receipt.Allowed, n.Receipt.Known)
	}
	if _, err := r.ask(trial.Load); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := until(ctx, func(ctx context.Context) error { return p.visit(ctx, at) }); err != nil {
		t.Fatalf("%v\n%s", err, r.log.String())
	}
	return r
}

// TestServes locks each program, has the runtime do everything it ever does, lets its users use it meanwhile, and looks at
// every thread. What the program gave up stays refused; SIGTERM ends it as if nothing had happened.
func TestServes(t *testing.T) { each(t, programs(), *toolchain, serves) }

func serves(t *testing.T, p program, at place) {
	r := begin(t, p, at)
	uses := use(t, p, r)
	if err := p.visit(t.Context(), at); err != nil {
		t.Error(err)
	}
	n, err := r.ask(trial.Probe)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range p.compare(1, n.Results) {
		t.Errorf("after the load: %s", wrong)
	}
	if procs := runtime.GOMAXPROCS(0); n.GOMAXPROCS != procs {
		t.Errorf("GOMAXPROCS is %d, want %d", n.GOMAXPROCS, procs)
	}
	threads, err := filters(r.cmd.Process.Pid, 2)
	if err != nil {
		t.Error(err)
	}
	if err := r.stop(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if complaints := r.complaints(); len(complaints) > 0 {
		t.Errorf("it complains:\n%s", strings.Join(complaints, "\n"))
	}
	if t.Failed() {
		t.Logf("it printed:\n%s", r.log.String())
	}
	t.Logf("%d uses, %d threads, %+v", uses, threads, n.Work)
}

// use lets clients use a program until its runtime has done everything.
func use(t *testing.T, p program, r *process) (uses int64) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		n, err := load(ctx, p, r.place, 4)
		cancel()
		if err != nil {
			t.Fatalf("under load: %v\n%s", err, r.log.String())
		}
		uses += n
		note, err := r.ask(trial.Report)
		if err != nil {
			t.Fatal(err)
		}
		if note.Work.Enough() && uses > 0 {
			return uses
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v the runtime has only done %+v", patience, note.Work)
		}
	}
}

// filters looks at every thread of a process: so many filters more than this one has, and no_new_privs.
func filters(pid, more int) (threads int, err error) {
	ours, err := proc.FS{}.Threads(os.Getpid())
	if err != nil {
		return 0, err
	}
	theirs, err := proc.FS{}.Threads(pid)
	if err != nil {
		return 0, err
	}
	for _, s := range theirs {
		if want := ours[0].Filters + more; s.Mode != proc.Filter || s.Filters != want || !s.NoNewPrivs {
			err = errors.Join(err, fmt.Errorf("thread %d: %+v, want %d filters and no_new_privs", s.Tid, s, want))
		}
	}
	return len(theirs), err
}

// TestPanics has each program panic under its last stage: the whole traceback is printed, and the exit status is Go's.
func TestPanics(t *testing.T) { each(t, programs(), *toolchain, panics) }

func panics(t *testing.T, p program, at place) {
	r := begin(t, p, at)
	if err := r.orders.Encode(trial.Panic); err != nil {
		t.Fatal(err)
	}
	err := r.wait()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 {
		t.Errorf("%v, want exit status 2", err)
	}
	for _, want := range []string{"panic: the trial wants to see this and where it came from: 42", "\ngoroutine ",
		"trial.forced(", "internal/trial/trial.go:", "created by ", "\ngoroutine 1 ", "main.main()\n"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the traceback lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("it printed:\n%s", r.log.String())
	}
}

// previous is the Go release before 1.26, with which the module is developed, by its newest patch release.
const previous = "go1.25.14"

// TestPreviousRelease has the programs built by the previous Go release, but for caddy, whose build takes longer than those of
// all the others: it is, with -toolchain.
func TestPreviousRelease(t *testing.T) {
	most := slices.DeleteFunc(programs(), func(p program) bool { return p.name == caddyServer.name })
	t.Run("serves", func(t *testing.T) { each(t, most, previous, serves) })
	t.Run("panics", func(t *testing.T) { each(t, most, previous, panics) })
	for _, p := range most {
		info, err := buildinfo.ReadFile(filepath.Join(bin, p.source()))
		if err != nil {
			t.Fatal(err)
		}
		if info.GoVersion != previous {
			t.Errorf("%s was built by %s, want %s", p.name, info.GoVersion, previous)
		}
	}
}

// TestScrapesAlike compares what node_exporter's collectors find with and without the stages.
func TestScrapesAlike(t *testing.T) {
	p := nodeExporter
	if err := build(bin, *toolchain, true, p); err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]string{}
	for _, mode := range []string{"off", "enforce"} {
		at, err := newPlace(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		r, err := start(bin, p, at, mode)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := until(ctx, func(ctx context.Context) error { return p.visit(ctx, at) }); err != nil {
			t.Errorf("mode %s: %v", mode, err)
		}
		text, err := scrape(ctx, at)
		if err != nil {
			t.Error(err)
		}
		found[mode] = collectors(text)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
	if len(found["off"]) < 30 {
		t.Errorf("%d collectors, want 30 and more", len(found["off"]))
	}
	for name, result := range found["off"] {
		if found["enforce"][name] != result {
			t.Errorf("collector %s: %s, without the stages %s", name, found["enforce"][name], result)
		}
	}
}
