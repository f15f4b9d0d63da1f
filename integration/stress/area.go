//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"runtime/pprof"
	"runtime/trace"
	"time"
)

var areaCases = []stressCase{
	{name: "profile", sets: "profile", run: profile},
	{name: "trace", run: traced},
	{name: "child", sets: "exec, exec.static, file.io", run: child}, // of a static program
	{name: "childdynamic", sets: "exec, exec.dynamic, file.io", run: child},
	{name: "hello", run: func(lock func()) { lock() }},
}

// profile turns the CPU profile on and off, with threads coming and going.
func profile(lock func()) {
	lock()
	for range 3 {
		var b bytes.Buffer
		check(pprof.StartCPUProfile(&b))
		for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
			sink[0] = make([]byte, 100)
		}
		pprof.StopCPUProfile()
		report("profiled: %v", b.Len() > 0)
	}
	var b bytes.Buffer
	for _, p := range pprof.Profiles() {
		check(p.WriteTo(&b, 1))
	}
	report("profiles: %v", b.Len() > 0)
}

// traced turns the execution trace on and off.
func traced(lock func()) {
	lock()
	for range 3 {
		var b bytes.Buffer
		check(trace.Start(&b))
		done := make(chan bool)
		go func() { time.Sleep(time.Millisecond); done <- true }()
		<-done
		trace.Stop()
		report("traced: %v", b.Len() > 0)
	}
}

// child starts Go programs, which inherit the filter and have the collector at work.
func child(lock func()) {
	exe, err := os.Executable()
	check(err)
	lock()
	for _, name := range []string{"collect", "preempt", "sleep", "block"} {
		cmd := exec.Command(exe, name)
		var out bytes.Buffer
		cmd.Stderr = &out
		err := cmd.Run()
		report("child %s: %v: %s", name, err, bytes.ReplaceAll(out.Bytes(), []byte("\n"), []byte(" ")))
	}
}
