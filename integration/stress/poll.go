//go:build linux

package main

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

var pollCases = []stressCase{
	{name: "pollbefore", sets: "file.io", run: pollBefore},
	{name: "pollafter", sets: "pipe", run: pollAfter},
	{name: "serve", sets: "net.server, net.dial, time", run: serve},
}

// talk sends through a pipe, with deadlines, while others wait.
func talk(r, w *os.File) {
	go func() {
		for range 100 {
			time.Sleep(time.Millisecond)
			_, err := w.Write([]byte("0123456789"))
			check(err)
		}
		check(w.Close())
	}()
	check(r.SetReadDeadline(time.Now().Add(time.Minute)))
	b, err := io.ReadAll(r)
	check(err)
	report("read: %d", len(b))
	check(r.Close())
}

// pollBefore has the poller at work before the lock.
func pollBefore(lock func()) {
	r, w, err := os.Pipe()
	check(err)
	r2, w2, err := os.Pipe()
	check(err)
	talk(r2, w2)
	lock()
	talk(r, w)
}

// pollAfter gives the poller its first descriptor after the lock.
func pollAfter(lock func()) {
	lock()
	r, w, err := os.Pipe()
	check(err)
	talk(r, w)
}

// serve has a server and its clients in one process, under load.
func serve(lock func()) {
	lock()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c, err := net.Dial("tcp", l.Addr().String())
			check(err)
			go func() {
				for range 20 {
					c.Write(make([]byte, 1000))
				}
				c.(*net.TCPConn).CloseWrite()
			}()
			n, err := io.Copy(io.Discard, c)
			check(err)
			check(c.Close())
			mu.Lock()
			total += int(n)
			mu.Unlock()
		}()
	}
	wg.Wait()
	check(l.Close())
	report("served: %d", total)
}
