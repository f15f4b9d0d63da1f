// Package trial is what a program under test has in it beside itself. Built with the tag trial, a program's main package
// imports it for its effect: a goroutine takes orders from descriptor 3 and reports to descriptor 4, which are open before
// the first lock. After each lock, before main goes on, it tries what an intruder would. So nothing of the test stands in
// the program's own code, which is as a user would write it.
//
// Without the environment variable TRIAL it does nothing.
package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
)

// Env names the environment variable that holds a Setting, in JSON.
const Env = "TRIAL"

// A Setting is what a program is told when it starts.
type Setting struct {
	Dir  string // a directory to play in
	Peer string // the address of a server to be dialled
}

// An Order is what a program is told to do while it serves.
type Order string

const (
	Probe  Order = "probe"  // try everything again
	Load   Order = "load"   // give the runtime all it can bear, until the process ends
	Report Order = "report" // how much of that was done
	Panic  Order = "panic"  // in a goroutine of its own
)

// A Note is what a program reports: after each lock, and as the answer to each order but Panic.
type Note struct {
	Stage      string // just locked; empty in answers
	Results    map[string]string
	Receipt    seccomp.Receipt
	GOMAXPROCS int
	Work       Work
}

var _ = begin()

// begin runs before main, since it is what initialises a variable.
func begin() bool {
	text, ordered := os.LookupEnv(Env)
	if !ordered {
		return false
	}
	t := &trial{orders: json.NewDecoder(os.NewFile(3, "orders")), notes: json.NewEncoder(os.NewFile(4, "notes"))}
	if err := t.prepare(text); err != nil {
		t.fail(err)
	}
	seccomp.SetLogger(t)
	go t.obey()
	return true
}

// A trial is one program's.
type trial struct {
	scene  scene
	load   load
	orders *json.Decoder
	notes  *json.Encoder
}

// prepare opens what a locked process couldn't.
func (t *trial) prepare(text string) (err error) {
	var s Setting
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	t.scene = scene{dir: s.Dir, peer: s.Peer, parent: os.Getppid()}
	if t.scene.self, err = os.Executable(); err != nil {
		return err
	}
	t.scene.file, err = os.Open(t.scene.self)
	return err
}

// obey takes orders until there are no more.
func (t *trial) obey() {
	for {
		var o Order
		if t.orders.Decode(&o) != nil {
			return
		}
		n := Note{GOMAXPROCS: runtime.GOMAXPROCS(0)}
		switch o {
		case Probe:
			n.Results = t.scene.tryAll()
		case Load:
			t.load.start()
		case Report:
		case Panic:
			go forced(42)
			select {}
		}
		n.Work = t.load.work()
		t.say(n)
	}
}

func forced(n int) { panic(fmt.Sprintf("the trial wants to see this and where it came from: %d", n)) }

// Infow is the logger's: the goroutine that locks calls it as soon as the stage is in force.
func (t *trial) Infow(msg string, keysAndValues ...any) {
	if msg != "seccomp stage in force" {
		return
	}
	n := Note{GOMAXPROCS: runtime.GOMAXPROCS(0), Results: t.scene.tryAll()}
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		switch keysAndValues[i] {
		case "stage":
			n.Stage = keysAndValues[i+1].(string)
		case "allowed":
			n.Receipt.Allowed = keysAndValues[i+1].(int)
		case "known":
			n.Receipt.Known = keysAndValues[i+1].(int)
		}
	}
	t.say(n)
}

// Warnw is the logger's: there must be nothing to warn of.
func (t *trial) Warnw(msg string, keysAndValues ...any) { t.Errorw(msg, keysAndValues...) }

// Errorw is the logger's.
func (t *trial) Errorw(msg string, keysAndValues ...any) {
	t.fail(fmt.Errorf("%s %v", msg, keysAndValues))
}

func (t *trial) say(n Note) {
	if err := t.notes.Encode(n); err != nil {
		t.fail(err)
	}
}

func (t *trial) fail(err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", Env, err)
	os.Exit(3)
}

// result says in a word what came of a probe.
func result(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return Done
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	default:
		return err.Error()
	}
}
