//go:build linux

package main

import (
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// In these the test sends a signal when it reads "ready".
var signalCases = []stressCase{
	{name: "notify", run: notify},
	{name: "stop", run: stop},
	{name: "self", sets: "signal", run: signalSelf},
	{name: "terminate", run: wait},
	{name: "quit", run: wait},
	{name: "quitcrash", run: wait},
	{name: "segv", run: wait},
}

// notify takes signals through handlers that were set before the lock and after.
func notify(lock func()) {
	before := make(chan os.Signal, 1)
	signal.Notify(before, syscall.SIGUSR1)
	lock()
	after := make(chan os.Signal, 1)
	signal.Notify(after, syscall.SIGUSR2)
	signal.Ignore(syscall.SIGHUP)
	report("ready")
	report("got %v", <-before)
	report("got %v", <-after)
	signal.Reset()
}

// stop is stopped and continued while threads wait in every way: the kernel then makes restart_syscall. They wait until a
// further signal says that this has happened.
func stop(lock func()) {
	over := make(chan os.Signal, 1)
	signal.Notify(over, syscall.SIGUSR1)
	lock()
	var waiting, ended sync.WaitGroup
	var end atomic.Bool
	for range 8 {
		waiting.Add(1)
		ended.Add(1)
		go func() {
			defer ended.Done()
			waiting.Done()
			for !end.Load() {
				syscall.Nanosleep(&syscall.Timespec{Sec: 1}, nil)
			}
		}()
	}
	time.AfterFunc(1100*time.Millisecond, func() {})
	waiting.Wait()
	time.Sleep(50 * time.Millisecond)
	report("ready")
	report("got %v", <-over)
	end.Store(true)
	ended.Wait()
	report("continued")
}

// signalSelf sends signals to the own process.
func signalSelf(lock func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	lock()
	check(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	report("got %v", <-c)
	check(syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGUSR1))
	report("got %v", <-c)
}

// wait has goroutines that wait, and waits to be killed.
func wait(lock func()) {
	lock()
	for range 4 {
		go parked()
	}
	for range 2 {
		go spinning()
	}
	settle()
	report("ready")
	select {}
}

func parked() { select {} }

func spinning() {
	for i := uint64(0); ; i++ {
		if i == 0 {
			counter.Add(1)
		}
	}
}

var counter atomic.Uint64
