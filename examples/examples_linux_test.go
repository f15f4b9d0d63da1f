// Package examples_test builds the examples, as a visitor would, and runs them.
package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var binaries string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "examples-")
	if err == nil {
		defer os.RemoveAll(dir)
		// Other users shall be able to run what is built.
		err = os.Chmod(dir, 0o755)
	}
	if err == nil {
		var out []byte
		if out, err = exec.Command("go", "build", "-o", dir+"/", "./...").CombinedOutput(); err != nil {
			err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	built, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range built { // whatever the umask
		os.Chmod(name, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binaries = dir
	return m.Run()
}

// command returns a built example, to be run with the arguments. It is killed with the test, and before all tests are out
// of time, so that what it wrote is shown: how much time that is depends on the machine.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	limit, ok := t.Deadline()
	if !ok {
		limit = time.Now().Add(time.Hour)
	}
	ctx, cancel := context.WithDeadline(context.Background(), limit.Add(-20*time.Second))
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, filepath.Join(binaries, name), args...)
}

// exits runs a command, demands its exit code, and returns what it wrote.
func exits(t *testing.T, cmd *exec.Cmd, code int) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("%s: %v, not exit code %d\n%s%s", cmd, err, code, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

func TestMinimal(t *testing.T) {
	got, _ := exits(t, command(t, "minimal"), 0)
	if want := "fork/exec /bin/sh: operation not permitted\n"; got != want {
		t.Errorf("it printed %q, not %q", got, want)
	}
}

func TestHelper(t *testing.T) {
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("there is no program sha256sum: ", err)
	}
	got, _ := exits(t, command(t, "helper"), 0)
	for _, want := range []string{
		": operation not permitted\n",
		"\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  /dev/null\n<nil>\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it printed\n%s\nwithout %q", got, want)
		}
	}
}

func TestFluent(t *testing.T) {
	got, _ := exits(t, command(t, "fluent"), 0)
	for _, want := range []string{
		", <nil>\n",
		"open /etc/hostname: operation not permitted\n",
		"listen tcp 127.0.0.1:0: socket: operation not permitted\n",
		"connections can be accepted on tcp\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it printed\n%s\nwithout %q", got, want)
		}
	}
}

func TestTool(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, bytes.Repeat([]byte("a line\n"), 12345), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _ := exits(t, command(t, "tool", file), 0)
	if want := "12345\nopen " + file + ": operation not permitted\n"; got != want {
		t.Errorf("it printed %q, not %q", got, want)
	}
}

func TestBaseContext(t *testing.T) {
	cmd := command(t, "basecontext", "-addr=127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(stderr).ReadString('\n')
	_, addr, ok := strings.Cut(strings.TrimSpace(line), "serving on ")
	if !ok {
		t.Fatalf("its first line is %q (%v)", line, err)
	}
	resp, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := "open /tmp/basecontext: operation not permitted\n"; err != nil || string(body) != want {
		t.Errorf("it answered %q, %v, not %q", body, err, want)
	}
}
