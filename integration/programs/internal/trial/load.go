package trial

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Work is what a load has made the runtime do.
type Work struct {
	Megabytes   int64 // allocated, and held for a while
	Threads     int64 // started and ended
	Timers      int64 // fired
	Collections int64
}

// Enough tells whether all of it was done, and the heap grew by hundreds of megabytes.
func (w Work) Enough() bool {
	return w.Megabytes >= 300 && w.Threads >= 10 && w.Timers >= 1000 && w.Collections >= 10
}

// A load makes the runtime do what it does behind a program's back, for as long as the process lives: the heap grows by
// hundreds of megabytes and is given back, threads start and end, thousands of timers fire. With GOGC=1 in the
// environment the collector hardly rests.
type load struct {
	once                   sync.Once
	grown, threads, timers atomic.Int64
}

func (l *load) start() {
	l.once.Do(func() {
		go l.grow()
		go l.thread()
		go l.fire()
	})
}

func (l *load) work() Work {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	return Work{l.grown.Load(), l.threads.Load(), l.timers.Load(), stats.NumGC}
}

// grow holds up to 200 MB, lets all of it go, and has it given back to the system.
func (l *load) grow() {
	for {
		var held [][]byte
		for range 50 {
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
