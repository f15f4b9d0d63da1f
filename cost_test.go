package seccomp_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Two programs that do the same, the second one locked.
const (
	without = `package main

import (
	"fmt"
	"os"
)

func main() {
	_, err := os.Open("/nowhere")
	fmt.Println(err)
}
`
	with = `package main

import (
	"fmt"
	"os"

	"github.com/stagelock/seccomp"
)

func main() {
	seccomp.Stage("init").MustLock()
	_, err := os.Open("/nowhere")
	fmt.Println(err)
}
`
)

// program builds a program in the circumstances of this module, for this machine.
func program(t *testing.T, text string) (binary string) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "program")
	if out, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// What importing the package adds to a binary is bounded, and is nothing at start-up.
func TestCostOfImporting(t *testing.T) {
	plain, locked := program(t, without), program(t, with)

	const limit = 500_000
	grown := size(t, locked) - size(t, plain)
	t.Logf("the binary grows by %d bytes", grown)
	if grown > limit {
		t.Errorf("the binary grows by %d bytes, more than %d", grown, limit)
	}

	before, after := initialised(t, plain), initialised(t, locked)
	if !slices.Contains(before, "os") {
		t.Fatalf("GODEBUG=inittrace=1 shows no package os but %q: has its format changed?", before)
	}
	for _, p := range after {
		// x/sys/unix makes one map for its Mmap. What else is not of the standard library is ours to keep away.
		if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") && p != "golang.org/x/sys/unix" {
			t.Errorf("package %s does something at start-up", p)
		}
	}
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// initialised returns the packages that do something when a program starts. The runtime prints a line for each:
// "init internal/bytealg @0.008 ms, 0 ms clock, 0 bytes, 0 allocs" (package runtime, Environment Variables).
func initialised(t *testing.T, binary string) (packages []string) {
	t.Helper()
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	want := "no such file"
	if runtime.GOOS == "windows" {
		want = "cannot find"
	}
	if !strings.Contains(stdout.String(), want) {
		t.Fatalf("the program printed %q", stdout.String())
	}
	for _, m := range regexp.MustCompile(`(?m)^init (\S+) @`).FindAllSubmatch(stderr.Bytes(), -1) {
		packages = append(packages, string(m[1]))
	}
	return packages
}
