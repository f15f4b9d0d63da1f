//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newest are the settings that the newest Go has on and this module's go line has off: they change what is called.
const newest = "containermaxprocs=1,updatemaxprocs=1,decoratemappings=1,multipathtcp=2"

// A build is one way to build the program.
type build struct {
	name  string
	env   []string
	pkg   string // its directory below this one
	tags  string
	cgo   bool
	older string // the Go release, as in 1.21, where it is one that can't build this module
	arch  string // then: the GOARCH
}

var builds = []build{
	{name: "pure", env: []string{"CGO_ENABLED=0"}},
	{name: "cgo", env: []string{"CGO_ENABLED=1"}, cgo: true},
}

// An act is what the test does to the program once it says that it is ready.
type act func(p *os.Process) error

func send(signals ...syscall.Signal) act {
	return func(p *os.Process) error {
		for _, s := range signals {
			if err := p.Signal(s); err != nil {
				return err
			}
			time.Sleep(300 * time.Millisecond)
		}
		return nil
	}
}

var acts = map[string]act{
	"notify":    send(syscall.SIGUSR1, syscall.SIGUSR2),
	"stop":      send(syscall.SIGSTOP, syscall.SIGCONT, syscall.SIGUSR1),
	"terminate": send(syscall.SIGTERM),
	"quit":      send(syscall.SIGQUIT),
	"quitcrash": send(syscall.SIGQUIT),
	"segv":      send(syscall.SIGSEGV),
}

// environment is what a case has beyond the usual.
var environment = map[string][]string{
	"quitcrash": {"GOTRACEBACK=crash"},
	"collect":   {"GOGC=1"},
}

// pureOnly are cases that a build with cgo hasn't, and why.
var pureOnly = map[string]string{
	"child":    "with cgo the program is a dynamic one: childdynamic",
	"deadlock": "with cgo the runtime doesn't look for deadlocks: runtime/proc.go:checkdead",
	"goexit":   "the same",
}

// An outcome is what two runs of a case must have in common.
type outcome struct {
	Lines     []string // what it reported
	Reason    string   // the first line of a crash
	Traceback []string // functions of its own in the traceback
	All       bool     // the traceback is of all goroutines
	Exit      int
	Signal    syscall.Signal
}

var (
	ours      = regexp.MustCompile(`(?m)^main\.(crash[A-Za-z]+|parked)\(`)
	goroutine = regexp.MustCompile(`(?m)^goroutine [0-9]+ `)
	reason    = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*|SIG[A-Z]+: .*|runtime: goroutine stack exceeds .*)$`)
	address   = regexp.MustCompile(`0x[0-9a-f]+`)
)

// run runs a case, with the stage refusing by deny, or without one.
func (b build) run(t *testing.T, name, deny string, env []string) (outcome, string) {
	t.Helper()
	return b.runFor(t, 2*time.Minute, name, deny, env)
}

// runFor is run, with how long the case may take; then it is killed.
func (b build) runFor(t *testing.T, limit time.Duration, name, deny string, env []string) (outcome, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args := []string{name}
	if deny != "" {
		args = []string{"-deny", deny, name}
	}
	cmd := exec.CommandContext(ctx, b.make(t), args...)
	cmd.Env = append(os.Environ(), "GODEBUG="+newest, "GOTRACEBACK=") // of whom a crash tells is the case's to say
	cmd.Env = append(append(cmd.Env, environment[name]...), env...)
	cmd.Dir = t.TempDir() // a core file goes away with it
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	start := cmd.Start
	if b.older != "" && deny != "" {
		start = func() error { return b.startWithFilter(cmd, name, deny) }
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(stderr, &text))
	for lines.Scan() {
		if a := acts[name]; a != nil && lines.Text() == "stress: ready" {
			if err := a(cmd.Process); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	var o outcome
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		status := exit.Sys().(syscall.WaitStatus)
		o.Exit = status.ExitStatus()
		if status.Signaled() {
			o.Signal = status.Signal()
		}
	} else if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if line, ok := strings.CutPrefix(line, "stress: "); ok {
			o.Lines = append(o.Lines, line)
		}
	}
	o.Reason = address.ReplaceAllString(reason.FindString(text.String()), "0x…")
	for _, m := range ours.FindAllStringSubmatch(text.String(), -1) {
		if !slices.Contains(o.Traceback, m[1]) {
			o.Traceback = append(o.Traceback, m[1])
		}
	}
	slices.Sort(o.Traceback)
	o.All = len(goroutine.FindAllString(text.String(), -1)) > 1
	return o, text.String()
}

// crashed tells whether a case ends by a crash, or by a signal, also where nothing is locked.
func crashed(name string) bool {
	return slices.ContainsFunc(crashCases, func(c stressCase) bool { return c.name == name && name != "nilrecovered" }) ||
		slices.Contains([]string{"terminate", "quit", "quitcrash", "segv"}, name)
}

// TestSameAsUnlocked runs every case without a stage, and then under the floor and its sets, refusing by EPERM and by
// killing: nothing of what it does may end in another way.
func TestSameAsUnlocked(t *testing.T) {
	for _, b := range builds {
		t.Run(b.name, func(t *testing.T) {
			if b.cgo {
				if testing.Short() {
					t.Skip("-short: the pure build alone")
				}
				if _, err := exec.LookPath("gcc"); err != nil {
					t.Skip("cgo needs a C compiler")
				}
			}
			t.Parallel()
			b.make(t)
			b.sameAsUnlocked(t, func(stressCase) bool { return true })
		})
	}
}

// sameAsUnlocked runs those cases of a build that are chosen, and returns how many that were.
func (b build) sameAsUnlocked(t *testing.T, choose func(stressCase) bool) (n int) {
	for _, c := range slices.Concat(memoryCases, threadCases, pollCases, signalCases, crashCases, areaCases) {
		if why, ok := pureOnly[c.name]; ok && b.cgo || !choose(c) {
			if ok {
				t.Logf("no %s: %s", c.name, why)
			}
			continue
		}
		n++
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			unlocked, text := b.run(t, c.name, "", nil)
			if died := unlocked.Exit != 0 || unlocked.Signal != 0; died != crashed(c.name) {
				t.Fatalf("unlocked: %+v\n%s", unlocked, text)
			}
			for _, deny := range []string{"errno", "kill"} {
				got, text := b.run(t, c.name, deny, nil)
				if diff := cmp.Diff(unlocked, got); diff != "" {
					t.Errorf("deny %s (-unlocked +locked):\n%s\n%s", deny, diff, head(text, 60))
				}
			}
		})
	}
	return n
}

// TestNotWithoutTheFloor shows that the comparison can fail.
func TestNotWithoutTheFloor(t *testing.T) {
	unlocked, _ := builds[0].run(t, "serve", "", nil)
	got, _ := builds[0].run(t, "serve", "errno", []string{"STRESS_SETS=time"})
	if diff := cmp.Diff(unlocked, got); diff == "" {
		t.Error("a server serves without the sets for it")
	}
}

var made sync.Map // of name to func() (string, error)

// make builds the program, once.
func (b build) make(t *testing.T) string {
	t.Helper()
	once, _ := made.LoadOrStore(b.name, sync.OnceValues(func() (string, error) {
		exe := filepath.Join(scratch, strings.ReplaceAll(b.name, " ", "-"))
		cmd := exec.Command("go", "build", "-o", exe, "-tags", b.tags, "./"+b.pkg)
		if b.older != "" {
			cmd.Dir = olderModule(t, b.older)
		}
		cmd.Env = append(os.Environ(), b.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return exe, nil
	}))
	exe, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// scratch is where programs are built.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "stress"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(scratch)
		return m.Run()
	}())
}

// head returns the first lines of a text.
func head(text string, n int) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[:min(n, len(lines))], "")
}
