//go:build linux

// Crash locks itself and ends in the way that its first argument names.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
)

// The line of serve's deny is in the test, too.
const policy = `deny trap
stage init
    use exec
    sys_getpgid: pid == 1 else trap
stage serve
    drop exec
    sys_getpgid: 0
stage bare
    sys_prctl: 0 including go
`

func main() {
	runtime.LockOSThread() // mostly the first thread, which signals go to
	seccomp.MustDeclare("my.policy", policy)
	stage, how := os.Args[1], os.Args[2]
	if how == "own" {
		takeInC()
	}
	if stage != "none" {
		seccomp.Stage("init").MustLock()
	}
	if stage != "none" && stage != "init" {
		seccomp.Stage(stage).MustLock()
	}
	ways[how]()
}

var ways = map[string]func(){
	"call":      func() { trapped() },
	"raw":       func() { syscall.RawSyscall(syscall.SYS_GETPGID, 7, 0, 0) },
	"std":       func() { os.Mkdir("x", 0o755) },
	"goroutine": func() { go trapped(); select {} },
	"locked":    func() { go func() { runtime.LockOSThread(); trapped() }(); select {} },
	"deferred":  func() { defer trapped(); panic("first") },
	"recover":   func() { defer func() { recover() }(); trapped() },
	"busy":      func() { busy(); time.Sleep(20 * time.Millisecond); trapped() },
	"threads":   threads,
	"instant":   instant,
	"two":       two,
	"dispatch":  dispatch,
	"c":         inC,
	"cthread":   inCThread,
	"own":       trapped,

	"exit":     func() { os.Exit(2) },
	"exitmany": func() { parked(100); os.Exit(2) },
	"panic":    func() { panic("on purpose") },
	"nil":      func() { var p *int; *p = 1 },
	"throw":    func() { new(sync.Mutex).Unlock() },
	"overflow": func() { debug.SetMaxStack(1 << 20); overflow(1) },
	"quit":     func() { syscall.Kill(os.Getpid(), syscall.SIGQUIT); select {} },
	"cexit":    exitInC,
}

func trapped() { fmt.Println(syscall.Getpgid(7)) }

//
//lint:ignore SA5007 it is meant to overflow the stack
//go:noinline
func overflow(n int) int { return overflow(n+1) + n }

// busy keeps the collector, the timers and the scheduler at work.
func busy() {
	for range 8 {
		go func() {
			var keep [16][]byte
			for i := 0; ; i++ {
				keep[i%len(keep)] = make([]byte, 1<<16)
			}
		}()
		go func() {
			for {
				time.Sleep(50 * time.Microsecond)
			}
		}()
	}
}

// parked starts goroutines that each have a thread.
func parked(n int) (begin chan struct{}) {
	begin = make(chan struct{})
	var ready sync.WaitGroup
	for range n {
		ready.Add(1)
		go func() {
			runtime.LockOSThread()
			ready.Done()
			<-begin
			trapped()
		}()
	}
	ready.Wait()
	return begin
}

// threads has a hundred threads trapped at once.
func threads() {
	close(parked(100))
	select {}
}

// dispatch does to itself what the line takes, and which the stage therefore allows: it doesn't get past the filter.
func dispatch() {
	runtime.LockOSThread()
	const on, anywhere = 1, 1<<47 - 2
	if err := unix.Prctl(unix.PR_SET_SYSCALL_USER_DISPATCH, on, 1, anywhere, 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	trapped()
}

// instant has two threads trapped that wait for it on a processor each.
func instant() {
	var ready, begin atomic.Int32
	for range 2 {
		go func() {
			runtime.LockOSThread()
			ready.Add(1)
			for begin.Load() == 0 {
			}
			syscall.RawSyscall(syscall.SYS_GETPGID, 7, 0, 0)
		}()
	}
	for ready.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	begin.Store(1)
	select {}
}

// two has a thread trapped while another one panics: either may be the one that ends the process.
func two() {
	begin := make(chan struct{})
	go func() { <-begin; trapped() }()
	go func() { <-begin; panic("on purpose") }()
	close(begin)
	select {}
}
