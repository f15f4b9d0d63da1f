package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
)

// catchSignals begins to catch the signals that are passed on to a program. They are caught, not ignored: the program
// would inherit that. What was ignored from the start (nohup) stays so.
func catchSignals() <-chan os.Signal {
	signals := make(chan os.Signal, 64)
	catch(signals, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM, unix.SIGWINCH)
	// What the terminal stops: the program itself tells whether it stops.
	catch(make(chan os.Signal, 1), unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)
	return signals
}

func catch(to chan<- os.Signal, signals ...os.Signal) {
	for _, s := range signals {
		if !signal.Ignored(s) {
			signal.Notify(to, s)
		}
	}
}

// mirrorStops has the process that the caller waits for, this one's parent, stop and go on when the program does. Until the
// program has really stopped the caller must not take it so: what is typed for others then would be read by the program. This
// process itself goes on, and answers.
func mirrorStops(program int) {
	const stopped, continued = 5, 6 // CLD_STOPPED, CLD_CONTINUED of <asm-generic/siginfo.h>
	shown := unix.Getppid()
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, program, &info, unix.WSTOPPED|unix.WCONTINUED, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || unix.Getppid() != shown:
			return // it has ended
		case info.Code == stopped:
			unix.Kill(shown, unix.SIGSTOP)
		case info.Code == continued:
			unix.Kill(shown, unix.SIGCONT)
		}
	}
}

// outliveReaders has this process go on when nobody reads any more what it says, as behind `| head`. The signal is caught,
// not ignored, for the same reason.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE) }

// forward passes signals on to a program. What the terminal sends reaches the program by itself, as one of the
// processes in the foreground.
func forward(signals <-chan os.Signal, program *os.Process) {
	for s := range signals {
		switch s {
		case unix.SIGINT, unix.SIGQUIT, unix.SIGWINCH:
			if inForeground() {
				continue
			}
		}
		program.Signal(s) // it may have ended
	}
}

// inForeground tells whether the terminal's signals reach this process and the program.
func inForeground() bool {
	tty, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false // there is none
	}
	defer unix.Close(tty)
	group, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// endBy ends this process by the signal that has ended the program, so that whoever waits sees the same. It leaves no
// core: the program may have left one.
func endBy(s syscall.Signal) {
	none := unix.Rlimit{}
	unix.Setrlimit(unix.RLIMIT_CORE, &none)
	if sys.ResetSignals() == 0 && unix.Kill(unix.Getpid(), s) == nil {
		select {}
	}
}
