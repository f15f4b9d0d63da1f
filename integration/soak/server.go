//go:build linux

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/stagelock/seccomp"
)

// handled are the signals that the server has handlers for, and that are sent to it.
var handled = []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGALRM, syscall.SIGIO}

// rest is how long the server leaves off, now and then, so that what it then has is comparable; busy is what is between.
const (
	busy = 4 * time.Second
	rest = time.Second
)

// serve is the server: it locks itself, prints its address, and serves until it is killed.
func serve(lock bool) {
	must(seccomp.Declare("soak.policy", policy))
	if lock {
		must(seccomp.Stage("init").Lock())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	var signals atomic.Int64
	came := make(chan os.Signal, 100)
	signal.Notify(came, handled...)
	go func() {
		for range came {
			signals.Add(1)
		}
	}()
	page := make([]byte, 32<<10)
	for i := range page {
		page[i] = 'a' + byte(i%26)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write(page) })
	http.HandleFunc("/signals", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, signals.Load()) })
	if lock {
		must(seccomp.Stage("serve").Lock())
	}
	fmt.Println(listener.Addr())
	debug.SetGCPercent(1)
	for _, work := range []func(){storm, grow, fire, spin, spin} {
		go func() {
			for {
				for end := time.Now().Add(busy); time.Now().Before(end); {
					work()
				}
				time.Sleep(rest)
			}
		}()
	}
	must(http.Serve(listener, nil))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(3)
	}
}

// storm starts threads, which end with their goroutines.
func storm() {
	var all sync.WaitGroup
	for range 40 {
		all.Add(1)
		go func() {
			defer all.Done()
			runtime.LockOSThread()
			nap := syscall.Timespec{Nsec: 2_000_000}
			syscall.Nanosleep(&nap, nil) // in the kernel, so that the others need threads of their own
		}()
	}
	all.Wait()
	time.Sleep(20 * time.Millisecond)
}

// grow takes memory, and gives it back to the system.
func grow() {
	var held [][]byte
	for range 16 {
		b := make([]byte, 4<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
	}
	runtime.KeepAlive(held)
	held = nil
	debug.FreeOSMemory()
}

// fire lets timers fire.
func fire() {
	var all sync.WaitGroup
	for i := range 200 {
		all.Add(1)
		time.AfterFunc(time.Duration(i%20)*time.Millisecond, all.Done)
	}
	all.Wait()
}

var turns atomic.Uint64

// spin computes, without a call in the loop: only a signal stops it for the collector.
func spin() {
	n := turns.Load()
	for range 20_000_000 {
		n = n*6364136223846793005 + 1442695040888963407
	}
	turns.Store(n)
}
