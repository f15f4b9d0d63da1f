package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A terminal is a pseudo terminal with a shell on it.
type terminal struct {
	*os.File
	t    *testing.T
	text chan string
	seen string
}

// newTerminal starts a shell that does job control.
func newTerminal(t *testing.T) *terminal {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell: ", err)
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo terminal is to be had: ", err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminal is to be had: ", err)
	}
	defer slave.Close()
	cmd := exec.Command(shell, "-i", "-m")
	cmd.Env = append(os.Environ(), "PS1=> ", "TERM=dumb")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	x := &terminal{master, t, make(chan string), ""}
	go func() {
		defer close(x.text)
		b := make([]byte, 1<<12)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			x.text <- string(b[:n])
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		master.Close() // which hangs up on what is left
		for range x.text {
		}
	})
	return x
}

// types writes, and waits for an answer.
func (x *terminal) types(text, want string) {
	x.t.Helper()
	io.WriteString(x, text)
	limit := time.After(2 * time.Minute)
	for !strings.Contains(x.seen, want) {
		select {
		case more, ok := <-x.text:
			if !ok {
				x.t.Fatalf("the terminal is closed; %q was wanted of\n%s", want, x.seen)
			}
			x.seen += more
		case <-limit:
			x.t.Fatalf("%q was wanted of\n%s", want, x.seen)
		}
	}
	_, x.seen, _ = strings.Cut(x.seen, want)
}

// A shell stops, continues and interrupts the program as if it had started it itself.
func TestRunUnderJobControl(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "no.policy")
	if err := os.WriteFile(policy, []byte("on_next_syscall: 1\nuse all\nsys_chroot: 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := filepath.Join(t.TempDir(), "shown")
	if err := os.WriteFile(shown, []byte("under way\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, report := range []string{"", "-report"} {
		t.Run("run"+report, func(t *testing.T) {
			x := newTerminal(t)
			run := fmt.Sprintf("%s run %s -policy %s -- ", built(t, "stagelock"), report, policy)
			// What is typed is shown, too: so what is waited for is never a part of it.
			x.types(run+`sh -c 'echo be"gun"; read a; echo got "$a"'`+"\n", "begun")
			x.types("\x1a", "topped") // Ctrl-Z; shells differ in the rest
			x.types("echo ba''ck\n", "back")
			x.types("fg\n", "echo got")
			x.types("hello\n", "got hello")
			// No shell: one that is not sleep yet would lose the signal (dash catches it, and its exec forgets). And nobody who
			// reads what is typed next.
			x.types(run+"tail -f "+shown+"\n", "under way")
			x.types("\x03", "") // Ctrl-C
			x.types("echo sta''tus $?\n", "status 130")
			// Who doesn't want to be stopped isn't, and who is stopped by others is seen to be.
			x.types(run+`sh -c 'trap "" TSTP; echo be"gun"; read a; echo got "$a"'`+"\n", "begun")
			x.types("\x1ahello\n", "got hello")
			x.types(run+`sh -c 'echo be"gun"; kill -STOP $$; echo go"es on"'`+"\n", "begun")
			x.types("", "topped")
			x.types("echo ba''ck\n", "back")
			x.types("fg\n", "goes on")
		})
	}
}
