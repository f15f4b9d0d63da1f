// Blocked waits in a system call, from functions that a test knows, and says on which thread.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

//go:noinline
func outer(fd int) { middle(fd, [100]byte{1}) }

//go:noinline
func middle(fd int, space [100]byte) {
	inner(fd)
	runtime.KeepAlive(space)
}

//go:noinline
func inner(fd int) {
	var b [1]byte
	syscall.Read(fd, b[:])
}

func main() {
	runtime.LockOSThread()
	fmt.Println(syscall.Gettid())
	outer(int(os.Stdin.Fd()))
}
