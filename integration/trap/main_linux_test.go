package trap

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain keeps the crashes from leaving core files.
func TestMain(m *testing.M) {
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	os.Exit(m.Run())
}
