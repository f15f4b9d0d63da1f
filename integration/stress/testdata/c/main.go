//go:build linux

// C does what a program does through C: threads that C starts and that call back into Go, malloc on all of them, the C
// library's resolver and its users. Like stress, with the same options and reports; it is a program of its own because
// of `import "C"`.
package main

/*
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern void back(int);

static void *thread(void *n) {
	for (int i = 0; i < 200; i++) {
		size_t size = i % 10 == 0 ? 1 << 20 : 100 + i;
		char *p = malloc(size);
		memset(p, 1, size);
		p = realloc(p, 2 * size);
		if (i % 50 == 0)
			back((int)(long)n);
		free(p);
	}
	return 0;
}

// threads starts n threads at once and waits for their end.
static int threads(int n) {
	pthread_t id[100];
	for (long i = 0; i < n; i++)
		if (pthread_create(&id[i], 0, thread, (void *)i))
			return -1;
	for (int i = 0; i < n; i++)
		if (pthread_join(id[i], 0))
			return -1;
	return n;
}

// grow asks for a larger heap, as malloc does for the first of its arenas: who gets that one hangs on how many processors
// there are. On 386 what lies behind it may be in the way; malloc has others then.
static void grow(void) { sbrk(1 << 20); }

static void *raiser(void *sig) {
	raise((int)(long)sig);
	return 0;
}

// raised has a signal arrive on a thread of C.
static int raised(int sig) {
	pthread_t id;
	return pthread_create(&id, 0, raiser, (void *)(long)sig) || pthread_join(id, 0);
}

// guarded guards the end of a stack as glibc does from 2.42 on: pages that only madvise makes unusable, or mprotect where
// the kernel doesn't know that.
static int guarded(void) {
	char *stack = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -1;
	if (madvise(stack, 4096, 102) == 0) // MADV_GUARD_INSTALL, and again less of it: MADV_GUARD_REMOVE
		return madvise(stack, 4096, 103);
	return errno == EINVAL ? mprotect(stack, 4096, PROT_NONE) : -1;
}

// letters reads a file by C's stdio and counts.
static int letters(const char *name) {
	FILE *f = fopen(name, "r");
	int n = 0;
	if (!f)
		return -1;
	while (getc(f) != EOF)
		n++;
	rewind(f);
	return getc(f) == EOF || fclose(f) ? -1 : n;
}

// entries looks at a directory, and at each file in it.
static int entries(const char *dir) {
	struct stat st;
	struct dirent *e;
	char link[100];
	int n = 0;
	DIR *d = opendir(dir);
	if (!d || chdir(dir) || access("file", R_OK) || readlink("link", link, sizeof link) != 4)
		return -1;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			if (stat(e->d_name, &st) || lstat(e->d_name, &st))
				return -1;
			n++;
		}
	return closedir(d) ? -1 : n;
}

static void die(void) { abort(); }
*/
import "C"

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"os/user"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/stagelock/seccomp"
)

var cases = map[string]struct {
	sets string
	run  func(lock func())
}{
	"threads":  {run: threads},
	"heap":     {run: func(lock func()) { lock(); C.grow() }},
	"guard":    {run: func(lock func()) { lock(); report("guarded: %d", C.guarded()) }},
	"files":    {sets: "file.read, file.io", run: files},
	"raise":    {run: raised},
	"abort":    {run: func(lock func()) { lock(); C.die() }},
	"panic":    {run: func(lock func()) { panicked = true; lock(); C.threads(1) }},
	"resolver": {sets: "dns", run: resolver},
	"user":     {sets: "user", run: users},
	"stranger": {sets: "user", run: strangers},
}

var (
	called   atomic.Int64
	panicked bool
)

//export back
func back(n C.int) {
	if panicked {
		panic("on purpose, on a thread of C")
	}
	runtime.GC()
	called.Add(1)
}

func threads(lock func()) {
	lock()
	for range 3 {
		report("threads: %d", C.threads(50))
	}
	report("called back: %d", called.Load())
}

func raised(lock func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	lock()
	report("raised: %d", C.raised(C.SIGUSR1))
	report("got %v", <-c)
}

// files reads by the C library.
func files(lock func()) {
	dir, err := os.MkdirTemp(".", "files") // goes away with where the test runs this
	check(err)
	check(errors.Join(os.WriteFile(dir+"/file", []byte("text"), 0o666), os.Symlink("file", dir+"/link")))
	lock()
	report("letters: %d", C.letters(C.CString(dir+"/file")))
	report("entries: %d", C.entries(C.CString(dir)))
}

// resolver asks getaddrinfo and getnameinfo.
func resolver(lock func()) {
	lock()
	r := net.Resolver{}
	addrs, err := r.LookupIP(context.Background(), "ip4", "localhost")
	report("localhost: %v, %v", addrs, err)
	port, err := r.LookupPort(context.Background(), "tcp", "https")
	report("https: %v, %v", port, err)
	_, err = r.LookupHost(context.Background(), "nobody.invalid.") // with the dot: not in the domains of resolv.conf, too
	report("nobody.invalid: %v", err != nil)
}

// users asks getpwnam_r and its likes.
func users(lock func()) {
	lock()
	u, err := user.Lookup("root")
	check(err)
	report("root: %s, %s, %s", u.Uid, u.Gid, u.HomeDir)
	me, err := user.Current()
	check(err)
	report("current: %v", me.Uid == fmt.Sprint(os.Getuid()))
	g, err := user.LookupGroupId("0")
	check(err)
	report("group: %s", g.Name)
}

// strangers are looked for in all places that nsswitch.conf names.
func strangers(lock func()) {
	lock()
	_, err := user.Lookup("nobody of that name")
	report("nobody: %v", err)
	me, err := user.Current()
	check(err)
	groups, err := me.GroupIds()
	report("groups: %v, %v", len(groups) > 0, err)
}

func main() {
	deny := flag.String("deny", "", "lock, and refuse by `errno` or kill; empty: don't lock")
	flag.Parse()
	c, ok := cases[flag.Arg(0)]
	if !ok {
		fmt.Fprintf(os.Stderr, "no case %q\n", flag.Arg(0))
		os.Exit(2)
	}
	c.run(func() {
		if *deny != "" {
			text := "deny " + strings.Replace(*deny, "errno", "errno(EPERM)", 1) + "\nstage stress\n"
			if c.sets != "" {
				text += "use " + c.sets + os.Getenv("STRESS_MORE") + "\n"
			}
			text += os.Getenv("STRESS_RULES") + "\n"
			check(errors.Join(seccomp.Declare("c.policy", text), seccomp.Stage("stress").Lock()))
		}
		report("going on")
	})
	report("done")
}

func report(format string, args ...any) {
	os.Stderr.WriteString("stress: " + strings.TrimSpace(fmt.Sprintf(format, args...)) + "\n")
}

func check(err error) {
	if err != nil {
		report("error: %v", err)
		os.Exit(5)
	}
}
