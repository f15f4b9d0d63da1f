// Target is a process for stagelock to look at. It gets under filters in the way that its argument says, prints a line
// when it has, and waits for the end of its input.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/sys"
)

// Of hand-written filters: none of them knows this library.
var (
	// getppid fails with EPERM, all else is allowed, whatever the architecture.
	noGetppid = []sys.SockFilter{
		{Code: 0x20, K: 0},
		{Code: 0x15, Jf: 1, K: unix.SYS_GETPPID},
		{Code: 0x06, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: 0x06, K: unix.SECCOMP_RET_ALLOW},
	}
	// socket(AF_UNIX) fails with EACCES.
	noUnix = []sys.SockFilter{
		{Code: 0x20, K: 0},
		{Code: 0x15, Jf: 3, K: unix.SYS_SOCKET},
		{Code: 0x20, K: 16},
		{Code: 0x15, Jf: 1, K: unix.AF_UNIX},
		{Code: 0x06, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)},
		{Code: 0x06, K: unix.SECCOMP_RET_ALLOW},
	}
	// restart_syscall kills: whoever interrupts a sleep and lets the kernel restart it ends the process.
	noRestart = []sys.SockFilter{
		{Code: 0x20, K: 0},
		{Code: 0x15, Jf: 1, K: unix.SYS_RESTART_SYSCALL},
		{Code: 0x06, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: 0x06, K: unix.SECCOMP_RET_ALLOW},
	}
)

const policy = `stage init
    use file.read, file.io
stage serve
    drop file.read
    sys_getppid: 0
`

func install(flags uintptr, filter []sys.SockFilter) {
	must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	tid, errno := sys.SetModeFilter(flags, filter)
	if tid != 0 || errno != 0 {
		panic(fmt.Sprintf("thread %d, %v", tid, errno))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func read(file string) []sys.SockFilter {
	raw, err := os.ReadFile(file)
	must(err)
	list := make([]sys.SockFilter, len(raw)/8)
	must(binary.Read(bytes.NewReader(raw), binary.NativeEndian, list))
	return list
}

func main() {
	runtime.LockOSThread()
	switch os.Args[1] {
	case "none":
	case "own": // by this library, in two stages
		seccomp.MustDeclare("target.policy", policy)
		seccomp.Stage("init").MustLock()
		seccomp.Stage("serve").MustLock()
	case "more": // and a filter that it doesn't know of
		seccomp.Stage("init").Rules("sys_seccomp: 1; sys_prctl: 1").Use("file").MustLock()
		install(unix.SECCOMP_FILTER_FLAG_TSYNC, noGetppid)
	case "raw":
		install(unix.SECCOMP_FILTER_FLAG_TSYNC, noGetppid)
		install(unix.SECCOMP_FILTER_FLAG_TSYNC|unix.SECCOMP_FILTER_FLAG_LOG, noUnix)
	case "odd": // one thread has a filter more
		install(unix.SECCOMP_FILTER_FLAG_TSYNC, noGetppid)
		up := make(chan bool)
		go func() {
			runtime.LockOSThread()
			install(0, noUnix)
			up <- true
			select {}
		}()
		<-up
	case "file": // from a file of raw instructions, as another launcher would
		install(unix.SECCOMP_FILTER_FLAG_TSYNC, read(os.Args[2]))
	case "restart": // threads that sleep, where the kernel may not restart the sleep
		install(unix.SECCOMP_FILTER_FLAG_TSYNC, noRestart)
		for range 4 {
			go func() {
				runtime.LockOSThread()
				for {
					must(ignoreEINTR(unix.Nanosleep(&unix.Timespec{Sec: 3600}, nil)))
				}
			}()
		}
		time.Sleep(100 * time.Millisecond)
	default:
		panic("unknown: " + os.Args[1])
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

func ignoreEINTR(err error) error {
	if err == unix.EINTR {
		return nil
	}
	return err
}
