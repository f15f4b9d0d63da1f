package seccomptest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// envCase tells a child which case it is for.
	envCase = "STAGELOCK_SECCOMPTEST_CASE"

	// envPatience is by how much timeouts are multiplied, a whole number: for machines that are emulated.
	envPatience = "STAGELOCK_SECCOMPTEST_PATIENCE"

	// Both are for what never ends. What does may be kept waiting by all that a busy machine does besides.
	defaultTimeout = 2 * time.Minute
	quitDelay      = 10 * time.Second // between SIGQUIT and SIGKILL
)

// run runs the case in a child and judges it.
func (tc *TestCase) run(o Options) (out outcome) {
	if !mainCalled {
		out.failf("TestMain has to call seccomptest.Main, or the child would not find its case")
		return out
	}
	fd, err := unix.MemfdCreate("seccomptest", unix.MFD_CLOEXEC)
	if err != nil {
		out.failf("make the report's memory: %v", err)
		return out
	}
	shared := os.NewFile(uintptr(fd), "report")
	defer shared.Close()
	if err := shared.Truncate(reportSize); err != nil {
		out.failf("make the report's memory: %v", err)
		return out
	}

	// The link in /proc works also where the file can't be reached by its name, as by another user in a directory of
	// root's. Nothing of the testing framework runs in the child; should Main be circumvented, no test does either.
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(append(os.Environ(), o.Env...), envCase+"="+tc.name)
	cmd.ExtraFiles = []*os.File{shared}
	output := &bounded{}
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = quitDelay // a grandchild may hold the output open
	if o.User != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: o.User, Gid: o.User}
	}

	start := time.Now()
	if err := cmd.Start(); err != nil {
		out.failf("start the child: %v", err)
		return out
	}
	timeout := o.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if n, err := strconv.Atoi(os.Getenv(envPatience)); err == nil && n > 1 {
		timeout *= time.Duration(n)
	}
	expired := watch(cmd.Process.Pid, timeout)
	locked := ended(cmd.Process.Pid)
	werr := cmd.Wait()
	timedOut := expired()
	out.Took = time.Since(start)
	out.Output = output.String()

	mem := make([]byte, reportSize)
	if _, err := shared.ReadAt(mem, 0); err != nil {
		out.failf("read the report: %v", err)
		return out
	}
	records, err := parseReport(mem)
	if err != nil {
		out.failf("%v", err)
	}
	if timedOut {
		out.failf("the child had not ended after %v and was killed", timeout)
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	out.judge(judge(records), status, locked)
	var exit *exec.ExitError
	if werr != nil && !errors.As(werr, &exit) && !errors.Is(werr, exec.ErrWaitDelay) {
		out.failf("wait for the child: %v", werr)
	}
	return out
}

// watch ends the process group of a child that takes too long. Calling the result calls it off and tells whether it
// had to.
func watch(pid int, timeout time.Duration) (expired func() bool) {
	stop, done := make(chan struct{}), make(chan bool)
	go func() {
		select {
		case <-stop:
			done <- false
			return
		case <-time.After(timeout):
		}
		unix.Kill(-pid, unix.SIGQUIT)
		select {
		case <-stop:
		case <-time.After(quitDelay):
			unix.Kill(-pid, unix.SIGKILL)
			<-stop
		}
		done <- true
	}()
	return func() bool { close(stop); return <-done }
}

// judge holds what the child reported against how it ended.
func (o *outcome) judge(v verdict, status syscall.WaitStatus, locked lockedness) {
	o.Logs, o.Skipped = v.logs, v.skipped
	o.Failures = append(o.Failures, v.failures...)
	o.End = describe(status)
	if bytes.Contains([]byte(o.Output), []byte("WARNING: DATA RACE")) {
		o.failf("the race detector found a data race in the child")
	}
	switch {
	case len(v.failures) > 0 && v.ended && status.Exited() && status.ExitStatus() == 0:
		// A whole report, with failures in it: there is nothing to add.
	case v.dies != 0:
		if !status.Signaled() || int(status.Signal()) != v.dies {
			o.failf("%s: the child ended with %s, want death by %v", v.what, o.End, syscall.Signal(v.dies))
		}
	case v.traps:
		if !status.Exited() || status.ExitStatus() != 2 || !bytes.Contains([]byte(o.Output), []byte("SIGSYS: bad system call")) {
			o.failf("%s: the child ended with %s, want a crash that prints \"SIGSYS: bad system call\"", v.what, o.End)
		}
	case v.asks != "" && !status.Exited() || v.asks != "" && status.ExitStatus() != 0:
		o.failf("%s: the child ended with %s as it looked whether anything is locked, by prctl(PR_GET_SECCOMP), which this "+
			"policy kills for: after a first Refused in a stage that doesn't, it isn't looked again", v.asks, o.End)
	case !status.Exited() || status.ExitStatus() != 0:
		o.failf("the child ended with %s, after %d checks that held", o.End, v.checks)
	case !v.ended:
		o.failf("the child exited without its final report, after %d checks that held", v.checks)
	case len(v.failures) == 0 && v.skipped == "" && v.checks == 0:
		o.failf("the case checked nothing: it has to call Refused, Allowed, Dies, Traps or Must")
	case len(v.failures) > 0 || v.skipped != "":
	case locked == isUnlocked && !v.unlocked && !v.refused:
		o.failf("nothing is locked at the end of the case, so that what was allowed says nothing of a policy: look at the error " +
			"of Lock, by Must for one; a case in which nothing is to be locked says so by Unlocked")
	case locked == isLocked && v.unlocked:
		o.failf("something is locked at the end of the case, which says by Unlocked that nothing is")
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("signal %d (%v)", int(status.Signal()), status.Signal())
	}
	return fmt.Sprintf("exit code %d", status.ExitStatus())
}

// bounded keeps the beginning and the end of what is written to it.
type bounded struct {
	head, tail bytes.Buffer
	dropped    int
}

const boundedHalf = 64 << 10

func (b *bounded) Write(p []byte) (int, error) {
	n := len(p)
	if room := boundedHalf - b.head.Len(); room > 0 {
		k := min(room, len(p))
		b.head.Write(p[:k])
		p = p[k:]
	}
	b.tail.Write(p)
	if over := b.tail.Len() - boundedHalf; over > 0 {
		b.tail.Next(over)
		b.dropped += over
	}
	return n, nil
}

func (b *bounded) String() string {
	if b.dropped > 0 {
		return fmt.Sprintf("%s\n… %d bytes left out …\n%s", b.head.String(), b.dropped, b.tail.String())
	}
	return b.head.String() + b.tail.String()
}
