//go:build go1.25

package fallbacks

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/seccomptest"
)

// newer are those whose functions came with Go 1.25.
var newer = []fallback{
	{call: "fchmodat2", nr: unix.SYS_FCHMODAT2, errno: unix.ENOSYS, what: "change a mode below a directory", run: chmodBelow, broken: unix.EPERM},
}

// chmodBelow goes through /proc/self/fd where there is no fchmodat2.
func chmodBelow(c *seccomptest.C) func() error {
	dir, err := os.MkdirTemp("", "fallbacks")
	c.Must(err)
	root, err := os.OpenRoot(dir)
	c.Must(err)
	c.Must(root.Mkdir("below", 0o755))
	return func() error {
		defer os.RemoveAll(dir)
		if err := root.Chmod("below", 0o700); err != nil {
			return err
		}
		if info, err := root.Stat("below"); err != nil || info.Mode().Perm() != 0o700 {
			return fmt.Errorf("%v, %w", info, err)
		}
		return nil
	}
}
