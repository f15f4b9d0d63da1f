//go:build (amd64 || arm64) && !race

package sys

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary with this in its environment locks itself, and makes the call.
const trapped = "STAGELOCK_TEST_TRAP"

// answerOne has an answer for one call, and allows all else.
func answerOne(nr, answer uint32) []SockFilter {
	const (
		ld  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		jeq = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ret = unix.BPF_RET | unix.BPF_K
	)
	return []SockFilter{{Code: ld}, {Code: jeq, K: nr, Jf: 1},
		{Code: ret, K: answer}, {Code: ret, K: unix.SECCOMP_RET_ALLOW}}
}

func trapChild(how string) {
	how, below := strings.CutSuffix(how, " below")
	text := &TrapText{Rules: []string{"nobody", "rule one", "rule two"}, Calls: make([]TrapCall, unix.SYS_GETPGID+1)}
	text.Below = below
	if how != "unnamed" {
		text.Calls[unix.SYS_GETPGID] = TrapCall{"getpgid", 1}
	}
	if errno := SayTraps(text); errno != 0 {
		panic(errno)
	}
	if how == "long" {
		text.Rules[2] = strings.Repeat("x", 5000)
	}
	if how == "changed" {
		SayTraps(&TrapText{Rules: []string{"nobody", "rule one", "rule 2"}, Calls: text.Calls, Below: below})
	}
	if how == "kill" {
		syscall.Kill(os.Getpid(), unix.SIGSYS)
		time.Sleep(time.Hour) // not select {}: if an idle thread takes the signal, that can be a deadlock before it is one that dies
	}
	runtime.LockOSThread()
	unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if tid, errno := SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, answerOne(unix.SYS_GETPGID, unix.SECCOMP_RET_TRAP|2)); tid != 0 || errno != 0 {
		panic(errno)
	}
	getpgid := func() { syscall.RawSyscall6(unix.SYS_GETPGID, 0xfedcba9876543210, 2, 3, 4, 5, 0) }
	if act := trapActs[how]; act != nil {
		act(getpgid)
		return
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Add(1)
		go func() {
			getpgid()
			wait.Done()
		}()
	}
	wait.Wait()
}

func TestSayTraps(t *testing.T) {
	if how := os.Getenv(trapped); how != "" {
		trapChild(how)
		return
	}
	for how, want := range map[string]string{
		"named":   "stagelock: getpgid(0xfedcba9876543210) was refused by rule two\n",
		"changed": "stagelock: getpgid(0xfedcba9876543210) was refused by rule 2\n",
		"kill":    "", // not a filter's doing
	} {
		out, code := trapRun(how)
		if code != 2 || !strings.HasPrefix(out, want+"SIGSYS: bad system call\n") {
			t.Errorf("%s: exit code %d: %.300s", how, code, out)
		}
		if n := strings.Count(out, "stagelock: "); n > 1 || n == 0 && want != "" {
			t.Errorf("%s: said %d times", how, n)
		}
		if how != "kill" && !strings.Contains(out, "trapChild") {
			t.Errorf("%s: no traceback: %s", how, out)
		}
	}
	if out, _ := trapRun("unnamed"); !strings.HasPrefix(out,
		"stagelock: system call 0x79(0xfedcba9876543210, 0x2, 0x3, 0x4, 0x5, 0x0) was refused by rule two\n") && runtime.GOARCH == "amd64" {
		t.Errorf("unnamed: %.300s", out)
	}
	if out, code := trapRun("long"); code != 2 || !strings.Contains(out, "xxxSIGSYS: bad system call\n") {
		t.Errorf("long: exit code %d: %.2000s", code, out)
	}
}

func trapRun(how string) (out string, code int) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestSayTraps$")
	cmd.Env = append(os.Environ(), trapped+"="+how)
	text, _ := cmd.CombinedOutput()
	return string(text), cmd.ProcessState.ExitCode()
}
