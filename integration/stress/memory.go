//go:build linux

package main

import (
	"crypto/rand"
	"runtime"
	"runtime/debug"
	"sync"
)

var memoryCases = []stressCase{
	{name: "collect", run: collect},
	{name: "grow", run: grow},
	{name: "limit", run: limit},
	{name: "release", run: release},
	{name: "random", run: randomOnManyThreads},
}

// sink keeps what is allocated from being optimised away.
var sink [64][]byte

// collect keeps the collector at work with the smallest heap there can be.
func collect(lock func()) {
	debug.SetGCPercent(1)
	lock()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	for worker := range 4 {
		own := sink[16*worker:][:16]
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 20_000 {
				own[i%len(own)] = make([]byte, 1+i%10_000)
			}
		}()
	}
	wg.Wait()
	runtime.ReadMemStats(&after)
	report("collected: %v", after.NumGC-before.NumGC > 10)
}

// grow makes the heap grow by hundreds of megabytes, in large pieces and in small ones, all of it written to.
func grow(lock func()) {
	lock()
	var keep [][]byte
	total := 0
	for i := 0; total < 300<<20; i++ {
		b := make([]byte, []int{64 << 10, 1 << 20, 33 << 20}[i%3])
		for j := 0; j < len(b); j += 4096 {
			b[j] = byte(i)
		}
		keep = append(keep, b)
		total += len(b)
	}
	small := make([]*[48]byte, 500_000)
	for i := range small {
		small[i] = new([48]byte)
	}
	sum := 0
	for i, b := range keep {
		if b[0] == byte(i) {
			sum++
		}
	}
	report("grown: %v, %d", sum == len(keep), len(small))
}

// limit allocates under a memory limit, which makes the scavenger give memory back all the time.
func limit(lock func()) {
	debug.SetMemoryLimit(64 << 20)
	debug.SetGCPercent(-1)
	lock()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 3_000 {
		b := make([]byte, 256<<10)
		for j := 0; j < len(b); j += 4096 {
			b[j] = 1
		}
		sink[i%8] = b
	}
	runtime.ReadMemStats(&after)
	report("limited: %v", after.NumGC-before.NumGC > 2)
}

// release gives memory back to the operating system, and takes it again.
func release(lock func()) {
	lock()
	for range 3 {
		for i := range sink {
			sink[i] = make([]byte, 2<<20)
			for j := 0; j < len(sink[i]); j += 4096 {
				sink[i][j] = 1
			}
		}
		clear(sink[:])
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	report("released: %v", m.HeapReleased > 64<<20)
}

// randomOnManyThreads asks for random bytes on more threads than the vDSO's state was mapped for at the first.
func randomOnManyThreads(lock func()) {
	lock()
	var wg, together sync.WaitGroup
	const n = 150
	together.Add(n)
	seen := make(chan [16]byte, n)
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			together.Done()
			together.Wait()
			var b [16]byte
			_, err := rand.Read(b[:])
			check(err)
			seen <- b
		}()
	}
	wg.Wait()
	close(seen)
	all := make(map[[16]byte]bool)
	for b := range seen {
		all[b] = true
	}
	report("random: %d", len(all))
}
