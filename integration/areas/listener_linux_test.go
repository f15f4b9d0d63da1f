package areas

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/seccomptest"
)

// unlinking is a policy whose last stage may remove the file of its listener, and so any other.
const unlinking = `
stage init
	use file, net.server, net.dial, net.unlink
stage serve
	drop file, net.listen, net.dial
`

// killing is one whose last stage dies of an attempt.
const killing = `
deny kill
stage init
	use file, net.server, net.dial
stage serve
	drop file, net.listen, net.dial
`

// The ways in which a service with a Unix listener comes to its end, and what is left for the next.
var (
	staleDefault = seccomptest.Case("a Unix listener under the default policy", func(c *seccomptest.C) {
		c.Must(seccomp.Stage("init").Lock())
		c.Must(os.Remove(socket())) // what the last run left behind
		serve(c, func(l *net.UnixListener) error { return l.Close() })
		c.Refused(syscall.EPERM, "remove the file", func() error { return os.Remove(socket()) })
	})
	staleAgain = seccomptest.Case("a Unix listener where its file is left", func(c *seccomptest.C) {
		c.Must(seccomp.Stage("init").Lock())
		c.Allowed("be told that the address is in use", func() error {
			if _, err := net.Listen("unix", socket()); !errors.Is(err, syscall.EADDRINUSE) {
				return errors.New("it is not")
			}
			return nil
		})
	})
	staleUnlinked = seccomptest.Case("a Unix listener with net.unlink", func(c *seccomptest.C) {
		c.Must(seccomp.Declare("unlinking", unlinking))
		c.Must(seccomp.Stage("init").Lock())
		serve(c, func(l *net.UnixListener) error { return l.Close() })
	})
	staleKept = seccomptest.Case("a Unix listener that doesn't unlink", func(c *seccomptest.C) {
		c.Must(seccomp.Declare("killing", killing))
		c.Must(seccomp.Stage("init").Lock())
		serve(c, func(l *net.UnixListener) error { l.SetUnlinkOnClose(false); return l.Close() })
	})
	staleKilled = seccomptest.Case("a Unix listener that unlinks where that kills", func(c *seccomptest.C) {
		c.Must(seccomp.Declare("killing", killing))
		c.Must(seccomp.Stage("init").Lock())
		l, err := net.Listen("unix", socket())
		c.Must(err)
		c.Must(seccomp.Stage("serve").Lock())
		c.Dies(syscall.SIGSYS, "close the listener", l.Close)
	})
)

func socket() string { return filepath.Join(os.Getenv("AREAS_DIR"), "s") }

// serve listens, locks the last stage, serves one connection and closes.
func serve(c *seccomptest.C, closing func(*net.UnixListener) error) {
	l, err := net.Listen("unix", socket())
	c.Must(err)
	conn, err := net.Dial("unix", socket())
	c.Must(err)
	c.Must(seccomp.Stage("serve").Lock())
	c.Allowed("serve, and close", func() error {
		far, err := l.Accept()
		if err != nil {
			return err
		}
		return errors.Join(far.Close(), conn.Close(), closing(l.(*net.UnixListener)))
	})
}

// TestUnixListener: package net removes the file of a Unix listener that is closed, and says nothing where it may not. A
// stage that removes no files leaves it to the next start, to whose first stage that is open.
func TestUnixListener(t *testing.T) {
	for _, tt := range []struct {
		name  string
		test  *seccomptest.TestCase
		stale bool // a file lies there before
		left  bool // and behind
	}{
		{"the default policy, the old file removed", staleDefault, true, true},
		{"the default policy, the old file left", staleAgain, true, true},
		{"net.unlink", staleUnlinked, false, false},
		{"SetUnlinkOnClose(false)", staleKept, false, true},
		{"deny kill", staleKilled, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("AREAS_DIR", shortDir(t))
			if tt.stale {
				l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket(), Net: "unix"})
				if err != nil {
					t.Fatal(err)
				}
				l.SetUnlinkOnClose(false)
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			tt.test.Run(t)
			if _, err := os.Lstat(socket()); (err == nil) != tt.left {
				t.Errorf("the file is left: %t, want %t", err == nil, tt.left)
			}
		})
	}
}
