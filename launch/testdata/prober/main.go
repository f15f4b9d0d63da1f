// Command prober tells, as a launched program, under what it runs: a line each of what its threads show and of what
// some calls get.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// early is called before main, and before any goroutine but the first.
var early = getppid()

func getppid() syscall.Errno {
	_, _, errno := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	return errno
}

func main() {
	fmt.Println("pid", os.Getpid())
	fmt.Println("args", os.Args[1:])
	fmt.Println("early getppid", int(early))
	for range 4 { // threads born later
		done := make(chan syscall.Errno)
		go func() {
			runtime.LockOSThread()
			done <- getppid()
		}()
		if errno := <-done; errno != early {
			fmt.Println("a later thread's getppid", int(errno))
		}
	}
	fmt.Println("execve", int(syscall.Exec("/bin/true", []string{"true"}, nil).(syscall.Errno)))
	tasks, _ := filepath.Glob("/proc/self/task/*/status")
	odd := 0
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if err == nil && !(strings.Contains(string(text), "\nSeccomp:\t2\n") && strings.Contains(string(text), "\nNoNewPrivs:\t1\n")) {
			odd++
		}
	}
	fmt.Println("threads without", odd)
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, name := range fds {
		if link, err := os.Readlink(name); err == nil && strings.HasPrefix(link, "anon_inode:seccomp") {
			fmt.Println("listener", name)
		}
	}
}
