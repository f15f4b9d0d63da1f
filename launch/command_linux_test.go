package launch_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/launch"
)

func TestCommand(t *testing.T) {
	filters, err := compile(noExec)
	if err != nil {
		t.Fatal(err)
	}
	if !filters.Gated() {
		t.Error("not gated, though the policy refuses execve")
	}
	cmd := filters.Command("sh", "-c", `read x; echo "$x $Y $PWD $0"; /bin/true; echo $?`, "zero")
	cmd.Dir, cmd.Env, cmd.Stdin = "/", []string{"Y=why"}, strings.NewReader("in\n")
	out, status := run(t, cmd)
	if status != 0 || !strings.HasPrefix(out, "in why / zero\n") || !strings.HasSuffix(out, "126\n") {
		t.Errorf("status %v: %s", status, out)
	}
	t.Setenv("PATH", "/bin:/usr/bin") // with a directory in it that we may not search it would be "permission denied"
	if err := filters.Command("no-such-program").Run(); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, launch.ErrNotStarted) {
		t.Errorf("%v, want ErrNotStarted and ErrNotExist", err)
	}
	if err := filters.Command("./testdata/prober/main.go").Run(); launch.ExitCode(err) != launch.ExitNotRunnable {
		t.Errorf("a file that can't be run: %v", err)
	}
}

// Arguments that no Command made are no reason to crash.
func TestMainWithStrangeArguments(t *testing.T) {
	for _, args := range [][]string{{}, {"-1"}, {"0", "2", "AAAA"}, {"5", "1", "AAAAAAAAAAA="}, {"-1", "1", "?"}, {"-1", "1", "AAAAAAAAAAA="}} {
		cmd := launching(t, none, noExec)
		cmd.Args = append([]string{"stagelock-launch"}, args...)
		out, status := run(t, cmd)
		if status.ExitStatus() != launch.ExitFailed || !strings.HasPrefix(out, "stagelock: ") || strings.Count(out, "\n") != 1 {
			t.Errorf("%q: status %v: %s", args, status, out)
		}
	}
}
