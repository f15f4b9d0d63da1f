package foreign

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A kernel without 32-bit emulation ends the program, so the entry is tried in a child.
func TestMain(m *testing.M) {
	if os.Getenv("STAGELOCK_INT80") == "" {
		os.Exit(m.Run())
	}
	const getpid, nosuch = 20, 10000 // i386's numbers
	pid, err := Int80(getpid, 0, 0, 0)
	if err != nil || int(pid) != os.Getpid() {
		println("getpid:", pid, err)
		os.Exit(3)
	}
	if _, err := Int80(nosuch, 0, 0, 0); !errors.Is(err, syscall.ENOSYS) {
		println("a call that isn't there:", err)
		os.Exit(3)
	}
	os.Exit(0)
}

func TestInt80(t *testing.T) {
	if runtime.GOARCH != "amd64" || runtime.GOOS != "linux" {
		if _, err := Int80(20, 0, 0, 0); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v, want ErrUnsupported", err)
		}
		return
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STAGELOCK_INT80=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 {
		t.Skip("the kernel has no CONFIG_IA32_EMULATION, or it is off")
	}
	if err != nil && strings.Contains(err.Error(), "bad system call") {
		t.Skip("a filter is in force already, which kills for 32-bit calls")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
