package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/proc"
)

// newestRuntime switches on what a program with `go 1.26` in its go.mod has and one with this module's older line has
// not, as far as it shows in system calls; an older Go ignores it.
const newestRuntime = "containermaxprocs=1,updatemaxprocs=1,decoratemappings=1,multipathtcp=2,tlsmlkem=1,tlssecpmlkem=1"

// A selfTest is one run of the self-test: it starts servers, asks them, and holds what it saw against what should be.
type selfTest struct {
	options options
	dir     string // holds site, webserver.json and what the probes play with
	failed  []string
}

// selftest runs the server as it is, under load, and checks from outside and from inside what its stages do.
// It fails unless every expectation held.
func selftest(o options) error {
	dir, err := os.MkdirTemp("", "webserver-selftest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t := &selfTest{options: o, dir: dir}
	if err := os.CopyFS(dir, demo); err != nil {
		return err
	}
	for _, step := range []func() error{t.unlocked, t.locked, t.quiet, t.crash} {
		if err := step(); err != nil {
			return err
		}
	}
	if len(t.failed) > 0 {
		return fmt.Errorf("%d expectations did not hold:\n  %s", len(t.failed), strings.Join(t.failed, "\n  "))
	}
	fmt.Println("\nEverything was as expected.")
	return nil
}

// expect notes what did not hold, and tells whether it did.
func (t *selfTest) expect(held bool, format string, args ...any) bool {
	if !held {
		t.failed = append(t.failed, fmt.Sprintf(format, args...))
	}
	return held
}

// Each server is driven for this long.
const drive = 2 * time.Second

// unlocked runs the server as it would be without this library.
func (t *selfTest) unlocked() error {
	s, err := t.start(order{Load: true}, "off")
	if err != nil {
		return err
	}
	defer s.kill()
	pages, err := s.drive()
	if err != nil {
		return fmt.Errorf("unlocked server: %w", err)
	}
	notes, err := s.stop()
	if err != nil {
		return fmt.Errorf("unlocked server: %w", err)
	}
	fmt.Printf("Unlocked (-mode off), under load: %d pages fetched in %v.\n", pages, drive)
	t.expect(len(last(notes).Receipts) == 0, "-mode off: a stage was locked")
	return nil
}

// locked runs the server in its stages, with everything tried after each.
func (t *selfTest) locked() error {
	peer, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer peer.Close()
	s, err := t.start(order{Load: true, Probes: true, Peer: peer.Addr().String()}, "enforce")
	if err != nil {
		return err
	}
	defer s.kill()
	pages, err := s.drive()
	if err != nil {
		return fmt.Errorf("locked server: %w", err)
	}
	threads, err := proc.FS{}.Threads(s.pid())
	if err != nil {
		return err
	}
	notes, err := s.stop()
	if err != nil {
		return fmt.Errorf("locked server: %w", err)
	}
	fmt.Printf("Locked in two stages, under the same load: %d pages fetched in %v.\n", pages, drive)
	if !t.expect(len(notes) == len(points)+1, "the server reported %d times, not at each of %q and at its end", len(notes), points) {
		return nil
	}
	t.load(notes)

	fmt.Println()
	t.heading()
	for i, p := range probes() {
		t.row(p, notes[0].Results[i], notes[1].Results[i], notes[2].Results[i])
	}
	for _, p := range lastProbes() {
		results, err := t.die(p)
		if err != nil {
			return err
		}
		t.row(p, results[0], results[1], results[2])
	}
	fmt.Println("\ndone: it worked. EPERM, ENOSYS: refused. SIGSYS: the process was killed. Other names: the call went\n" +
		"through to the kernel, which found fault with its arguments, as intended.")
	t.threads(threads)
	return nil
}

// quiet locks a server of many threads that has nothing else to do, for the figures.
func (t *selfTest) quiet() error {
	s, err := t.start(order{Crowd: 20}, "enforce")
	if err != nil {
		return err
	}
	defer s.kill()
	if _, err := s.ready(); err != nil {
		return fmt.Errorf("quiet server: %w", err)
	}
	notes, err := s.stop()
	if err != nil {
		return fmt.Errorf("quiet server: %w", err)
	}
	t.figures(last(notes).Receipts)
	return nil
}

// load checks that the runtime went on doing all it does, after the last lock.
func (t *selfTest) load(notes []note) {
	did := last(notes).Load.since(notes[2].Load)
	fmt.Printf("After the last lock: %d MB allocated, %d collections, %d threads started and ended, %d timers fired, "+
		"%d loops preempted.\n", did.Megabytes, did.GCs, did.Threads, did.Timers, did.Preempted)
	t.expect(did.enough(), "the runtime did not do after the last lock all that it should: %+v", did)
	t.expect(last(notes).GOMAXPROCS == notes[0].GOMAXPROCS, "GOMAXPROCS was %d and fell to %d", notes[0].GOMAXPROCS,
		last(notes).GOMAXPROCS)
}

// die tries a probe in a server of its own at each point, and gives the results: the signal, where it died of one.
func (t *selfTest) die(p probe) (results [3]string, err error) {
	for i, at := range points {
		s, err := t.start(order{Last: p.name, At: at}, "enforce")
		if err != nil {
			return results, err
		}
		notes, err := s.wait()
		status, died := s.signal()
		switch {
		case died:
			results[i] = unix.SignalName(status)
		case err == nil && len(last(notes).Results) == 1:
			results[i] = last(notes).Results[0]
		case strings.Contains(s.log(), "[signal SIGSEGV"): // the runtime has caught it, as where there is no 32-bit entry
			results[i] = "SIGSEGV"
		default:
			return results, fmt.Errorf("%s, %s: %w\n%s", p.name, at, errors.Join(err, errNoReport), s.log())
		}
	}
	return results, nil
}

var errNoReport = errors.New("the server ended without a report")

// crash panics after the last lock: what a person needs to find the mistake must be printed all the same.
func (t *selfTest) crash() error {
	s, err := t.start(order{Last: "panic", At: points[2]}, "enforce")
	if err != nil {
		return err
	}
	_, err = s.wait()
	log := s.log()
	_, file, _, _ := runtime.Caller(0)
	whole := t.expect(err != nil && err.Error() == "exit status 2", "a panic after the last lock: %v, not exit status 2", err)
	for _, part := range []string{"panic: the self-test wants to see this and where it came from: 42", "goroutine ",
		"main.selftestPanic(", filepath.Dir(file), "created by main.(*child).tryLast"} {
		whole = t.expect(strings.Contains(log, part), "a panic after the last lock: the traceback has no %q", part) && whole
	}
	if whole {
		fmt.Println("\nA panic after the last lock: the whole traceback was printed, exit status 2.")
	}
	return nil
}

func last(notes []note) note { return notes[len(notes)-1] }
