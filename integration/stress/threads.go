//go:build linux

package main

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var threadCases = []stressCase{
	{name: "block", run: block},
	{name: "threadexit", run: threadExit},
	{name: "preempt", run: preempt},
	{name: "maxprocs", run: maxProcs},
	{name: "sleep", run: sleep},
	{name: "contend", run: contend},
}

// block makes a hundred threads block in the kernel at once.
func block(lock func()) {
	var p [2]int
	check(syscall.Pipe2(p[:], syscall.O_CLOEXEC))
	lock()
	const n = 100
	var wg sync.WaitGroup
	var inside atomic.Int32
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			inside.Add(1)
			// A blocking call that the floor has: it holds its thread, so that others have to be started.
			ts := syscall.Timespec{Nsec: 300_000_000}
			syscall.Nanosleep(&ts, nil)
		}()
	}
	wg.Wait()
	report("blocked: %d", inside.Load())
	runtime.KeepAlive(p)
}

// threadExit ends threads: a goroutine that ends locked to its thread takes it along.
func threadExit(lock func()) {
	lock()
	for range 20 {
		var wg sync.WaitGroup
		for range 10 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				runtime.LockOSThread()
			}()
		}
		wg.Wait()
	}
	report("ended")
}

// preempt stops loops that never call anything: only a signal can.
func preempt(lock func()) {
	runtime.GOMAXPROCS(4)
	lock()
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := uint64(1); ; n++ {
				if n&(1<<26-1) == 0 && stop.Load() {
					return
				}
			}
		}()
	}
	for range 5 {
		runtime.GC() // has to stop them all
		time.Sleep(time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	report("preempted")
}

// maxProcs waits until sysmon has looked three times how many processors there are.
func maxProcs(lock func()) {
	before := runtime.GOMAXPROCS(0)
	lock()
	for end := time.Now().Add(3500 * time.Millisecond); time.Now().Before(end); {
		time.Sleep(2 * time.Millisecond) // an idle process has its sysmon asleep
	}
	report("GOMAXPROCS stays: %v", runtime.GOMAXPROCS(0) == before && before == runtime.NumCPU())
}

// sleep runs thousands of timers.
func sleep(lock func()) {
	lock()
	var wg sync.WaitGroup
	var fired atomic.Int32
	for i := range 10_000 {
		wg.Add(1)
		time.AfterFunc(time.Duration(i%100)*time.Millisecond, func() {
			fired.Add(1)
			wg.Done()
		})
	}
	tick := time.NewTicker(time.Millisecond)
	for range 50 {
		<-tick.C
	}
	tick.Stop()
	wg.Wait()
	report("fired: %d, %v", fired.Load(), time.Now().Unix() > 1e9)
}

// contend makes threads wait for one another in every way of package sync.
func contend(lock func()) {
	runtime.GOMAXPROCS(8)
	lock()
	var mu sync.Mutex
	var wg sync.WaitGroup
	c := make(chan int)
	n := 0
	for range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 2_000 {
				mu.Lock()
				n++
				mu.Unlock()
			}
			c <- 1
		}()
	}
	sum := 0
	for range 50 {
		sum += <-c
	}
	wg.Wait()
	report("contended: %d, %d, %v", n, sum, os.Getpid() > 0)
}
