package seccomp_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/seccomptest"
)

func getppid() error {
	_, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func getpgrp() error {
	_, _, errno := unix.RawSyscall(unix.SYS_GETPGID, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

var stageDeny = seccomptest.Case("a deny of the stage that code narrows", func(c *seccomptest.C) {
	c.Must(seccomp.Declare("p", "stage init\ndeny errno(EACCES)\nuse file, net.client, ids\nsys_getpgid: 1\nstage serve\nuse file\n"))
	c.Must(seccomp.Stage("init").Rules("sys_getppid: 0").Lock())
	c.Refused(syscall.EACCES, "what the stage refuses", listen)
	c.Refused(syscall.EACCES, "what only the code refuses", getppid)
	c.Must(seccomp.Stage("init").Rules("deny errno(ENXIO)\nsys_getpgid: 0").Lock())
	c.Refused(syscall.ENXIO, "what the code refuses by its own deny", getpgrp)
	c.Must(seccomp.Stage("serve").Rules("sys_mkdirat: 0").Lock())
	c.Refused(syscall.EPERM, "what the next stage refuses", func() error { return unix.Mkdirat(-1, "x", 0) })
})

func TestStageDenySpeaksForCodeToo(t *testing.T) { stageDeny.Run(t) }

var builtinUsed = seccomptest.Case("sets in place of a built-in stage", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Lock())
	c.Must(seccomp.Stage("serve").Use("file.io", "net.server", "ids").Lock())
	c.Allowed("listen", listen)
	c.Refused(syscall.EPERM, "make a directory", func() error { return unix.Mkdirat(-1, "x", 0) })
	c.Must(seccomp.Stage("work").Rules("sys_getppid: 0").Lock()) // one that no policy knows
	c.Refused(syscall.EPERM, "getppid", getppid)
	c.Must(seccomp.Stage("last").Use("file.io").Lock())
	c.Refused(syscall.EPERM, "listen", listen)
})

func TestBuiltinStageReplaced(t *testing.T) { builtinUsed.Run(t) }

var builtinNarrowed = seccomptest.Case("rules about built-in stages", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Lock())
	c.Must(seccomp.Stage("init").Use("file.read", "file.io", "net.client", "net.server", "ids").Lock()) // nothing is left that serve could drop but listening
	c.Refused(syscall.EPERM, "make a directory", func() error { return unix.Mkdirat(-1, "x", 0) })
	c.Must(seccomp.Stage("serve").Rules("sys_getppid: 0").Lock())
	c.Refused(syscall.EPERM, "listen, as in the built-in serve", listen)
	c.Refused(syscall.EPERM, "getppid", getppid)
	c.Allowed("open a file", openFile)
	c.Must(seccomp.Stage("serve").Rules("sys_getpgid: 0").Lock())
	c.Refused(syscall.EPERM, "getpgid", getpgrp)
	err := seccomp.Stage("later").Use("exec").Lock()
	if !errors.Is(err, seccomp.ErrWidened) || !strings.Contains(err.Error(), "in stage init (the built-in default.policy:") {
		c.Errorf("a wider stage: %v", err)
	}
})

func TestBuiltinStageNarrowed(t *testing.T) { builtinNarrowed.Run(t) }

var builtinBare = seccomptest.Case("a built-in stage behind words", func(c *seccomptest.C) {
	c.Must(seccomp.Stage("init").Lock())
	c.Must(seccomp.Stage("init").Use("file.io", "ids").Lock())
	c.Must(seccomp.Stage("serve").Lock()) // has nothing left to drop
	c.Refused(syscall.EPERM, "open a file", openFile)
	c.Allowed("getppid", getppid)
})

func TestBuiltinStageBehindWords(t *testing.T) { builtinBare.Run(t) }

var onlyRules = seccomptest.Case("a first stage that only refuses", func(c *seccomptest.C) {
	c.Unlocked()
	err := seccomp.Stage("init").Rules("sys_ptrace: 0 else kill\nsys_mmap: 0").Lock()
	if !errors.Is(err, policy.ErrEmpty) || !strings.Contains(err.Error(), "name the sets it is to have with Use") {
		c.Errorf("Lock: %v", err)
	}
	c.Allowed("open a file", openFile)
})

func TestFirstStageGrantsSomething(t *testing.T) { onlyRules.Run(t) }
