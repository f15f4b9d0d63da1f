package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
)

// selftestEnv holds an order for a server that the self-test starts. Such a server reports through descriptor 3, which
// is open before the first lock.
const selftestEnv = "WEBSERVER_SELFTEST"

// An order says what a server does besides serving.
type order struct {
	Exit   bool   // end at once: it was started only to see whether it can be
	Crowd  int    // have this many threads, all asleep
	Load   bool   // give the runtime all it can bear
	Probes bool   // try everything, at every point
	Last   string // a probe of which the server is expected to die, or "panic"
	At     string // the point at which it is tried
	Dir    string // for the scene
	Peer   string
}

// A note is what a server reports: a line of JSON.
type note struct {
	Point      string
	Results    []string // of probes, in their order
	Receipts   []seccomp.Receipt
	GOMAXPROCS int
	Load       loadCount
}

// selftestHook returns what the server calls at the points of its way.
func selftestHook() func(point string) {
	text, ordered := os.LookupEnv(selftestEnv)
	if !ordered {
		return func(string) {}
	}
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", selftestEnv, err)
		os.Exit(2)
	}
	if o.Exit {
		os.Exit(0)
	}
	c := &child{order: o, report: json.NewEncoder(os.NewFile(3, "report"))}
	if err := c.prepare(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", selftestEnv, err)
		os.Exit(2)
	}
	return c.at
}

// A child is a server under the self-test's orders.
type child struct {
	order
	scene  scene
	load   load
	served loadCount // at the last point
	report *json.Encoder
}

// prepare opens what a locked process couldn't.
func (c *child) prepare() (err error) {
	c.scene = scene{dir: c.Dir, parent: os.Getppid(), peer: c.Peer}
	if c.scene.self, err = os.Executable(); err != nil {
		return err
	}
	c.scene.file, err = os.Open(filepath.Join(c.Dir, "site", "index.html"))
	return err
}

// at looks around at a point, and reports.
func (c *child) at(point string) {
	if point == points[0] {
		c.crowd()
		if c.Load {
			c.load.start()
		}
	}
	if c.Load && point == "end" {
		for limit := time.Now().Add(patience / 2); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
			if c.load.count().since(c.served).enough() {
				break
			}
		}
	}
	if c.At == point {
		c.tryLast()
	}
	n := note{Point: point, GOMAXPROCS: runtime.GOMAXPROCS(0)}
	if c.Probes && slices.Contains(points[:], point) {
		for _, p := range probes() {
			n.Results = append(n.Results, result(p.try(&c.scene)))
		}
	}
	n.Receipts = seccomp.Current().Receipts
	n.Load = c.load.count()
	c.served = n.Load
	c.say(n)
}

// crowd starts the threads that were ordered.
func (c *child) crowd() {
	var up sync.WaitGroup
	for range c.Crowd {
		up.Add(1)
		go func() {
			runtime.LockOSThread()
			up.Done()
			select {}
		}()
	}
	up.Wait()
}

// tryLast tries the one thing that this server was started for, and ends.
func (c *child) tryLast() {
	if c.Last == "panic" {
		go selftestPanic(42)
		select {}
	}
	for _, p := range lastProbes() {
		if p.name == c.Last {
			c.say(note{Point: c.At, Results: []string{result(p.try(&c.scene))}})
			os.Exit(0)
		}
	}
	fmt.Fprintf(os.Stderr, "%s: no probe %q\n", selftestEnv, c.Last)
	os.Exit(2)
}

func selftestPanic(n int) {
	panic(fmt.Sprintf("the self-test wants to see this and where it came from: %d", n))
}

func (c *child) say(n note) {
	if err := c.report.Encode(n); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", selftestEnv, err)
		os.Exit(2)
	}
}

// result says in a word what came of a probe.
func result(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return string(done)
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	default:
		return err.Error()
	}
}
