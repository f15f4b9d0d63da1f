package lock

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// pinned runs f on a thread that no other goroutine uses, and waits for it.
//
// no_new_privs and seccomp must be set by one and the same thread. If f fails, that thread may be left with
// no_new_privs, and with filters that no other has, so it must never run another goroutine: a goroutine that ends
// without unlocking takes its thread with it. New threads are not made from it either: while a goroutine is locked
// to it the runtime clones others from its template thread. If f succeeds, all threads have the same filters and
// no_new_privs, and this one goes back to the others.
func pinned(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The main thread can't end without the process; the runtime would park it for good, no_new_privs and
			// all. As long as it is held here another goroutine gets another thread.
			err := pinned(f)
			runtime.UnlockOSThread()
			result <- err
			return
		}
		err := f()
		if err == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}
