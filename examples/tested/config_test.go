package tested

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stagelock/seccomp/seccomptest"
)

// A lock can't be taken off, so a case that locks runs in a child: the test binary, started once more.
func TestMain(m *testing.M) { seccomptest.Main(m) }

var locked = seccomptest.Case("after Start", func(c *seccomptest.C) {
	settings, err := Start("testdata/settings")
	c.Must(err)
	if settings["name"] != "stagelock" {
		c.Errorf("the settings are %v", settings)
	}
	c.Refused(syscall.EPERM, "open a file", func() error {
		_, err := os.Open("testdata/settings")
		return err
	})
	c.Refused(syscall.EPERM, "run a program", func() error {
		return exec.Command("/bin/true").Run()
	})
	c.Allowed("write to what is open", func() error {
		_, err := os.Stderr.WriteString("still here\n")
		return err
	})
})

func TestLocked(t *testing.T) { locked.Run(t) }

// What a policy says can be asked without locking anything, for every architecture.
func TestPolicy(t *testing.T) {
	p := seccomptest.Policy(t, policy)
	for _, arch := range []string{"amd64", "arm64", "riscv64"} {
		p := p.Arch(arch)
		p.Stage("init").Allows("openat", "AT_FDCWD", 0, "O_RDONLY|O_CLOEXEC")
		p.Stage("init").Refuses("openat", "AT_FDCWD", 0, "O_WRONLY|O_CREAT", 0o600)
		p.Stage("run").Refuses("openat", "AT_FDCWD", 0, "O_RDONLY|O_CLOEXEC")
		p.Stage("run").Gets("errno EPERM", "socket", "AF_INET", "SOCK_STREAM")
	}
}
