package main

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A load makes the runtime do all that it ever does behind a program's back, for as long as the process lives: the
// heap grows by hundreds of megabytes and shrinks again, threads start and end, thousands of timers fire, loops
// without a call in them are preempted by signals. With GOGC=1 the collector hardly ever rests.
type load struct {
	grown, threads, timers, preempted atomic.Int64
}

// A loadCount says how much was done.
type loadCount struct {
	Megabytes int64 // allocated, and held for a while
	Threads   int64 // started and ended
	Timers    int64 // fired
	Preempted int64 // loops that went on for longer than a time slice
	GCs       int64
}

func (l *load) start() {
	go l.grow()
	go l.thread()
	go l.fire()
	// No more than these: where a machine lends fewer processors than GOMAXPROCS says, as a container's limit does, every
	// stop of the world would wait for the turn of each.
	for range min(4, runtime.GOMAXPROCS(0)) {
		go l.spin()
	}
}

func (l *load) count() loadCount {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	return loadCount{l.grown.Load(), l.threads.Load(), l.timers.Load(), l.preempted.Load(), stats.NumGC}
}

// since tells what was done since an earlier count.
func (c loadCount) since(earlier loadCount) loadCount {
	return loadCount{c.Megabytes - earlier.Megabytes, c.Threads - earlier.Threads, c.Timers - earlier.Timers,
		c.Preempted - earlier.Preempted, c.GCs - earlier.GCs}
}

// enough tells whether everything was done at all, and the heap grew by hundreds of megabytes.
func (c loadCount) enough() bool {
	return c.Megabytes >= 300 && c.GCs >= 10 && c.Threads >= 10 && c.Timers >= 1000 && c.Preempted >= 2
}

// grow holds up to 300 MB, lets all of it go, and has it given back to the system.
func (l *load) grow() {
	for {
		var held [][]byte
		for range 75 {
			b := make([]byte, 4<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			held = append(held, b)
			l.grown.Add(4)
			time.Sleep(time.Millisecond)
		}
		runtime.KeepAlive(held)
		held = nil
		debug.FreeOSMemory()
	}
}

// thread starts a thread and ends it: a goroutine that ends while it is locked to its thread takes it along.
func (l *load) thread() {
	for {
		ended := make(chan bool)
		go func() {
			defer close(ended)
			runtime.LockOSThread()
			l.threads.Add(1)
		}()
		<-ended
		time.Sleep(2 * time.Millisecond)
	}
}

func (l *load) fire() {
	for {
		for i := range 1000 {
			time.AfterFunc(time.Duration(i)*50*time.Microsecond, func() { l.timers.Add(1) })
		}
		time.Sleep(60 * time.Millisecond)
	}
}

// spin works and rests by turns. The work has no call in it, so that only a signal can interrupt it.
func (l *load) spin() {
	for x := uint64(1); ; {
		for range 60_000_000 { // longer than the 10 ms after which the scheduler preempts
			x = x*6364136223846793005 + 1442695040888963407
		}
		if x != 0 {
			l.preempted.Add(1)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
