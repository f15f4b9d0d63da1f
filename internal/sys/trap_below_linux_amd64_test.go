//go:build !race

package sys

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

const getpgidLine = "stagelock: getpgid(0xfedcba9876543210) was refused by rule two\n"

// eperm is what a filter from elsewhere may have for prctl.
const eperm = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)

// trapActs are what a child does once it is locked, by name, if it is more than to be trapped.
var trapActs = map[string]func(getpgid func()){
	"small stack": func(getpgid func()) {
		const size = 16 << 10 // enough for a frame and the traceback, and not for a second frame
		stack := make([]byte, size)
		alt := struct {
			at    unsafe.Pointer
			flags int32
			size  uintptr
		}{at: unsafe.Pointer(&stack[0]), size: size}
		if _, _, errno := unix.RawSyscall(unix.SYS_SIGALTSTACK, uintptr(unsafe.Pointer(&alt)), 0, 0); errno != 0 {
			panic(errno)
		}
		getpgid()
	},
	"comes back": func(getpgid func()) {
		chain := trapChain
		trapChain = reflect.ValueOf(comeBack).Pointer()
		getpgid()
		os.Stderr.WriteString("lives\n")
		trapChain = chain
		getpgid()
	},
	"refused": func(getpgid func()) {
		if tid, errno := SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, answerOne(unix.SYS_PRCTL, eperm)); tid != 0 || errno != 0 {
			panic(errno)
		}
		getpgid()
	},
	"forked": func(getpgid func()) { // while a thread of the parent's was at it
		trapState.Store(trappedUnsaid)
		trapPid++
		getpgid()
	},
	"not the runtime's": func(getpgid func()) {
		trapRuntimes = false
		getpgid()
	},
}

// comeBack is a handler that does nothing: it has no frame.
//
//go:nosplit
//go:noinline
func comeBack() {}

func TestTrapBelow(t *testing.T) {
	if errno := prctlDispatch(dispatchOff, 0, 0, 0); errno != 0 {
		if kernelAtLeast(5, 11) {
			t.Fatal(errno)
		}
		for _, how := range []string{"named below", "changed below"} {
			if out, code := trapRun(how); code != 2 || !strings.HasPrefix(out, "stagelock: getpgid(") {
				t.Errorf("%s: exit code %d: %.300s", how, code, out)
			}
		}
		t.Skip("this kernel has no Syscall User Dispatch, Linux 5.11: the line stands above")
	}
	const sigsys = "SIGSYS: bad system call\n"
	for how, want := range map[string]struct{ first, last string }{
		"named below":             {sigsys, getpgidLine},
		"named":                   {getpgidLine + sigsys, ""},
		"changed below":           {sigsys, strings.Replace(getpgidLine, "two", "2", 1)},
		"unnamed below":           {sigsys, "stagelock: system call 0x79(0xfedcba9876543210, 0x2, 0x3, 0x4, 0x5, 0x0) was refused by rule two\n"},
		"kill below":              {sigsys, ""},
		"small stack below":       {getpgidLine + sigsys, ""},
		"comes back below":        {"lives\n" + sigsys, getpgidLine},
		"refused below":           {getpgidLine + sigsys, ""},
		"forked below":            {sigsys, ""},
		"not the runtime's below": {getpgidLine + sigsys, ""},
	} {
		out, code := trapRun(how)
		if n := strings.Count(out, "stagelock: "); code != 2 || !strings.HasPrefix(out, want.first) || !strings.HasSuffix(out, want.last) ||
			n > 1 || n == 0 && want.first+want.last != sigsys {
			t.Errorf("%s: exit code %d, %d lines: %.300s\n…\n%s", how, code, n, out, out[max(len(out)-300, 0):])
		}
		if want.last == "" && !strings.HasSuffix(out, "\n") {
			t.Errorf("%s: ends with %q", how, out[max(len(out)-300, 0):])
		}
	}
}

// kernelAtLeast tells whether the kernel that runs is of that release or a later one.
func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false
	}
	var gotMajor, gotMinor int
	fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &gotMajor, &gotMinor)
	return gotMajor > major || gotMajor == major && gotMinor >= minor
}
