//go:build linux

package main

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// Each of these ends the process; panics print their traceback on standard error, which the floor keeps open.
var crashCases = []stressCase{
	{name: "panic", run: func(lock func()) { lock(); crashPanic() }},
	{name: "panicgoroutine", run: func(lock func()) { lock(); go crashPanic(); select {} }},
	{name: "panicall", run: func(lock func()) { lock(); debug.SetTraceback("all"); go parked(); settle(); crashPanic() }},
	{name: "paniccrash", run: func(lock func()) { lock(); debug.SetTraceback("crash"); go parked(); settle(); crashPanic() }},
	{name: "nil", run: func(lock func()) { lock(); crashNil(nil) }},
	{name: "nilrecovered", run: func(lock func()) { lock(); recovered() }},
	// With one processor, as some emulated machines have, no goroutine ever meets another inside a map.
	{name: "map", run: func(lock func()) { runtime.GOMAXPROCS(4); lock(); crashMap() }},
	{name: "overflow", run: func(lock func()) { debug.SetMaxStack(1 << 20); lock(); report("%d", crashOverflow(1)) }},
	{name: "memory", run: crashMemory},
	{name: "deadlock", run: func(lock func()) { lock(); crashDeadlock() }},
	{name: "unlock", run: func(lock func()) { lock(); new(sync.Mutex).Unlock() }},
	{name: "goexit", run: func(lock func()) { lock(); runtime.Goexit() }},
	{name: "exit", run: func(lock func()) { lock(); os.Exit(7) }},
	{name: "brokenpipe", sets: "file.io", run: brokenPipe},
}

// settle waits until goroutines that were started have come to rest: of one that runs a crash shows no stack.
func settle() {
	stacks := make([]byte, 64<<10)
	for !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("[select (no cases)")) {
		time.Sleep(time.Millisecond)
	}
}

func crashPanic() { panic("on purpose") }

//go:noinline
func crashNil(p *[4]int) { report("%d", p[2]) }

// recovered shows that a fault is a signal that the program lives through.
func recovered() {
	n := 0
	for range 1_000 {
		func() {
			defer func() {
				if recover() != nil {
					n++
				}
			}()
			crashNil(nil)
		}()
	}
	report("recovered: %d", n)
}

func crashMap() {
	m := make(map[int]int)
	for i := range 100 { // a map that grew under two of them could crash otherwise
		m[i] = i
	}
	for range 4 {
		go func() {
			for i := 0; ; i++ {
				m[i%100] = i
			}
		}()
	}
	select {}
}

//
//lint:ignore SA5007 it is meant to overflow the stack
//go:noinline
func crashOverflow(n int) int { return crashOverflow(n+1) + n }

// crashMemory runs out of address space. The collector is off: on many processors it would start threads, and where C
// starts them it could be for one of those that the space doesn't suffice.
func crashMemory(lock func()) {
	debug.SetGCPercent(-1)
	var old syscall.Rlimit
	check(syscall.Getrlimit(syscall.RLIMIT_AS, &old))
	check(syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 2 << 30, Max: old.Max}))
	lock()
	var keep [][]byte
	for {
		//lint:ignore SA4010 it is meant to use up the memory
		keep = append(keep, make([]byte, 64<<20))
	}
}

func crashDeadlock() {
	var mu sync.Mutex
	mu.Lock()
	mu.Lock()
}

// brokenPipe writes to standard output, whose reader is gone.
func brokenPipe(lock func()) {
	r, w, err := os.Pipe()
	check(err)
	check(syscall.Dup3(int(w.Fd()), 1, 0))
	check(r.Close())
	lock()
	os.Stdout.WriteString("nobody reads this\n")
}
