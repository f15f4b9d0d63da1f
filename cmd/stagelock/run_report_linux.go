package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/refusal"
)

// With -report there are two processes of this command. One is the program's parent, the supervisor: it starts it and
// answers what is refused, for as long as anybody has the filter, a daemon that the program leaves behind among them. The
// other one is what the caller waits for: it ends with the program.

// supervising is the environment's word to the supervisor, which takes it out: the descriptor on which it is to say how the
// program has ended. It is one that the caller had none at, so that the program gets all that it was given.
const supervising = "STAGELOCK_RUN_SUPERVISES"

// An outcome is what the supervisor says.
type outcome struct {
	status syscall.WaitStatus
	left   bool // somebody still has the filter, and the supervisor goes on
}

func (o outcome) put(w io.Writer) { fmt.Fprintln(w, uint32(o.status), o.left) }

func (o *outcome) get(r io.Reader) error {
	_, err := fmt.Fscanln(r, (*uint32)(&o.status), &o.left)
	return err
}

// reported runs the program and reports what is refused to it.
func (c *runner) reported(s *streams, args []string) error {
	if fd, err := strconv.Atoi(os.Getenv(supervising)); err == nil {
		os.Unsetenv(supervising)
		syscall.CloseOnExec(fd)
		return c.supervise(s, args, os.NewFile(uintptr(fd), "outcome"))
	}
	said, says, err := os.Pipe()
	if err != nil {
		return err
	}
	inherited, err := inheritable(says)
	if err != nil {
		return err
	}
	signals := catchSignals()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), fmt.Sprint(supervising, "=", inherited))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Start()
	says.Close()
	if err != nil {
		return err
	}
	letGoOfAllButStderr()
	go forward(signals, cmd.Process)
	var o outcome
	if err := o.get(said); err != nil {
		return mishap(s, cmd)
	}
	if !o.left {
		cmd.Wait() // it ends, too
	}
	if o.status.Signaled() {
		return endedBy(o.status.Signal())
	}
	return &exitError{o.status.ExitStatus(), errNo}
}

// mishap tells of a supervisor that ends without a word about the program: it has not started one, and said why, or was
// killed.
func mishap(s *streams, supervisor *exec.Cmd) error {
	supervisor.Wait()
	status, _ := supervisor.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() {
		return &exitError{supervisor.ProcessState.ExitCode(), errNo}
	}
	s.complain("the supervisor was ended by %v: if the program was running it goes on, and what is refused to it, "+
		"and every execve, fails with ENOSYS", status.Signal())
	return endedBy(status.Signal())
}

// endedBy ends this process by a signal.
func endedBy(signal syscall.Signal) error {
	endBy(signal)
	return &exitError{128 + int(signal), errNo} // as a shell has it
}

// supervise is what the supervisor does. It says there how the program has ended.
func (c *runner) supervise(s *streams, args []string, says *os.File) error {
	path, err := launch.LookPath(args[0])
	if err != nil {
		return err
	}
	tables, err := c.tables(s, path)
	if err != nil {
		return err
	}
	reported, err := launch.Report(tables, args[0], args[1:]...)
	if err != nil {
		return err
	}
	cmd := reported.Cmd
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	outliveReaders()
	signals := catchSignals()
	log := &refusals{Log: refusal.Log{Arch: kernel.Native()}, s: s}
	if err := reported.Start(log.add); err != nil {
		return err
	}
	letGoOfAllButStderr()
	go forward(signals, cmd.Process)
	go mirrorStops(cmd.Process.Pid)
	err = reported.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	var o outcome
	o.status, _ = cmd.ProcessState.Sys().(syscall.WaitStatus)
	if o.status.Signaled() {
		s.complain("the program was ended by %v", o.status.Signal())
	}
	log.conclude(c.suggest)
	select {
	case <-reported.Done():
	case <-time.After(endsToo):
		o.left = true
		goOn(s)
	}
	o.put(says)
	says.Close()
	<-reported.Done()
	if o.left {
		log.conclude(c.suggest)
	}
	return nil
}

// endsToo is how long those that end with the program, as a pipeline does, may take to do so.
const endsToo = 20 * time.Millisecond
