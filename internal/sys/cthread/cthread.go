//go:build cgo

// Package cthread makes system calls from where Go knows nothing of: a thread that C made, and a signal handler
// written in C. It is for tests.
package cthread

/*
#cgo LDFLAGS: -pthread
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

// What is to be called: the thread waits until there is a number, and puts the errno in its place. It waits by
// sched_yield, which every stage allows.
static atomic_long wanted = -1;
static atomic_int gave;
static atomic_int generation;

static void *serve(void *mine) {
	while (atomic_load(&generation) == (int)(long)mine) {
		long nr = atomic_load(&wanted);
		if (nr < 0) {
			sched_yield();
			continue;
		}
		errno = 0;
		syscall(nr, 0, 0, 0, 0, 0, 0);
		atomic_store(&gave, errno);
		atomic_store(&wanted, -1);
	}
	return 0;
}

static int start(void) {
	pthread_t t;
	long mine = atomic_fetch_add(&generation, 1) + 1;
	return pthread_create(&t, 0, serve, (void *)mine);
}

static int call(long nr) {
	atomic_store(&wanted, nr);
	while (atomic_load(&wanted) >= 0)
		sched_yield();
	return atomic_load(&gave);
}

static volatile long in_handler;
static volatile int handler_gave;

static void handler(int sig) {
	int saved = errno;
	errno = 0;
	syscall(in_handler, 0, 0, 0, 0, 0, 0);
	handler_gave = errno;
	errno = saved;
}

static int handle(void) {
	struct sigaction a = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_RESTART};
	return sigaction(SIGHUP, &a, 0) ? errno : 0;
}

static int call_in_handler(long nr) {
	in_handler = nr;
	handler_gave = -1;
	if (syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGHUP))
		return -errno;
	return handler_gave;
}
*/
import "C"

import (
	"fmt"
	"syscall"
)

// Supported tells that the program was built with cgo.
const Supported = true

// Start makes a thread in C. One made before ends.
func Start() error { return errno(C.start()) }

// Call makes a system call, its arguments all 0, on the thread that Start made.
func Call(nr uintptr) error { return errno(C.call(C.long(nr))) }

// Handle installs a handler of SIGHUP that is C's.
func Handle() error { return errno(C.handle()) }

// CallInHandler makes a system call, its arguments all 0, in that handler.
func CallInHandler(nr uintptr) error {
	n := C.call_in_handler(C.long(nr))
	if n < 0 {
		return fmt.Errorf("the handler was not run: %w", syscall.Errno(-n))
	}
	return errno(n)
}

func errno(n C.int) error {
	if n == 0 {
		return nil
	}
	return syscall.Errno(n)
}
