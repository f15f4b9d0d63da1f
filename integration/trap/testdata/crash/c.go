//go:build linux && cgo

package main

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *call(void *unused) {
	syscall(SYS_getpgid, 7);
	return 0;
}

static void in_thread(void) {
	pthread_t t;
	if (pthread_create(&t, 0, call, 0) == 0)
		pthread_join(t, 0);
}

static void own(int sig) {
	(void)!write(2, "own\n", 4);
	_exit(sig);
}

// It has no use for siginfo_t.
static void take_sigsys(void) {
	struct sigaction act = {.sa_handler = own, .sa_flags = SA_ONSTACK};
	sigaction(SIGSYS, &act, 0);
}
*/
import "C"

func inC() { C.call(nil) }

func inCThread() { C.in_thread() }

func exitInC() { C.exit(2) }

func takeInC() { C.take_sigsys() }
