//go:build linux && cgo

package main

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>
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
*/
import "C"

func inC() { C.call(nil) }

func inCThread() { C.in_thread() }

func exitInC() { C.exit(2) }
