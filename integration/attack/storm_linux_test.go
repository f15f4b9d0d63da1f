package attack

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/proc"
	"github.com/stagelock/seccomp/seccomptest"
)

const (
	enough    = 100 // threads have to be born while a stage is locked, in all processes together
	processes = 100 // at most try it: in some none is born in the half millisecond that a Lock takes
	elders    = 200 // threads are there before: looking at each, Lock takes its time
	atOnce    = 600 // threads in one process, at most
)

// TestStorm locks each stage while threads are born, again and again, until enough were born between the beginning and the
// end of Lock. Each of them is refused what only this stage refuses.
func TestStorm(t *testing.T) {
	for _, stage := range stages {
		t.Run(stage, func(t *testing.T) {
			dir := t.TempDir()
			born, tries := 0, 0
			for ; born < enough && tries < processes && !t.Failed(); tries++ {
				storm.RunWith(t, seccomptest.Options{Env: []string{envStage + "=" + stage, "DIR=" + dir}})
				text, err := os.ReadFile(filepath.Join(dir, bornFile))
				if err != nil {
					t.Fatal(err)
				}
				n, err := strconv.Atoi(string(text))
				if err != nil {
					t.Fatal(err)
				}
				born += n
			}
			if born < enough {
				t.Errorf("%d threads were born during the lock in %d processes, want %d", born, tries, enough)
			}
			t.Logf("%d threads were born during the lock in %d processes", born, tries)
		})
	}
}

// bornFile is where a process writes how many threads were born while it locked a stage.
const bornFile = "born"

// newlyRefused is a call that each stage refuses, and the one before it doesn't.
var newlyRefused = map[string]uint64{"init": unix.SYS_GETPPID, "serve": unix.SYS_OPENAT}

var storm = seccomptest.Case("threads that are born while it is locked", func(c *seccomptest.C) {
	s := &scene{C: c, stage: os.Getenv(envStage)}
	out, err := os.Create(filepath.Join(os.Getenv("DIR"), bornFile))
	s.Must(err)
	text, err := os.ReadFile(policyFile)
	s.Must(err)
	s.Must(seccomp.Declare(policyFile, string(text)))
	if i := slices.Index(stages, s.stage); i > 0 {
		s.lockTo(stages[i-1])
	}
	nr := newlyRefused[s.stage]
	if raw(nr) == unix.EPERM {
		s.Fatalf("call %d is refused before the stage is locked", nr)
	}
	runtime.GOMAXPROCS(8) // on one processor, too, the others go on while one of them is in a call
	n := offspring{tried: make(chan struct{})}
	for range elders {
		n.bear(nr)
	}
	n.before, err = proc.FS{}.Threads(os.Getpid())
	s.Must(err)

	begin := make(chan struct{})
	for range 2 {
		n.all.Add(1)
		go func() {
			defer n.all.Done()
			<-begin
			for n.threads.Load() < atOnce && !n.locked.Load() {
				n.bear(nr)
			}
		}()
	}
	close(begin)
	err = seccomp.Stage(s.stage).Lock()
	n.locked.Store(true)
	close(n.tried)
	n.all.Wait()
	s.Must(err)
	if escaped := n.escaped.Load(); escaped > 0 {
		s.Errorf("%d of %d threads got through", escaped, n.threads.Load())
	}
	// They are not more than the receipt has beside the threads that were looked at before the filter came.
	receipts := seccomp.Current().Receipts
	during := min(int(n.during.Load()), max(0, receipts[len(receipts)-1].Inherited))
	_, err = fmt.Fprint(out, during)
	s.Must(err)
})

// Offspring are threads that one process bears.
type offspring struct {
	all                      sync.WaitGroup
	threads, during, escaped atomic.Int64
	before                   []proc.State // that were there before Lock began
	locked                   atomic.Bool
	tried                    chan struct{} // closed when each may try the call
}

// bear starts a goroutine on a thread of its own, and waits until it is there.
func (b *offspring) bear(nr uint64) {
	up := make(chan struct{})
	b.all.Add(1)
	go func() {
		defer b.all.Done()
		runtime.LockOSThread() // it ends with its goroutine
		inTime := !b.locked.Load()
		tid := unix.Gettid()
		b.threads.Add(1)
		if inTime && b.before != nil && !slices.ContainsFunc(b.before, func(s proc.State) bool { return s.Tid == tid }) {
			b.during.Add(1)
		}
		close(up)
		<-b.tried
		if raw(nr) != unix.EPERM {
			b.escaped.Add(1)
		}
	}()
	<-up
}
