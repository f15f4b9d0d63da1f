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

// stop is stopped and continued while threads wait in every way: the kernel then makes restart_syscall.
func stop(lock func()) {
	lock()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ts := syscall.Timespec{Sec: 1}
			for syscall.Nanosleep(&ts, &ts) == syscall.EINTR {
			}
		}()
	}
	time.AfterFunc(1100*time.Millisecond, func() {})
	time.Sleep(50 * time.Millisecond)
	report("ready")
	wg.Wait()
	time.Sleep(200 * time.Millisecond)
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
	time.Sleep(50 * time.Millisecond)
	report("ready")
	time.Sleep(10 * time.Second)
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
