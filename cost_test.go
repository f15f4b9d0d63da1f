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

// Two programs that do the same, the second one locked: a command that ends, and a server.
var (
	command = `package main

import (
	"fmt"
	"os"
)

func main() {
	_, err := os.Open("/nowhere")
	fmt.Println(err)
}
`
	server = `package main

import (
	"log"
	"net/http"
)

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:0", nil))
}
`
)

// locked returns a program that locks itself before it does anything else.
func locked(program string) string {
	program = strings.Replace(program, ")\n", "\n\t\"github.com/stagelock/seccomp\"\n)\n", 1)
	return strings.Replace(program, "main() {\n", "main() {\n\tseccomp.Stage(\"init\").MustLock()\n", 1)
}

// program builds a program in the circumstances of this module, for this machine.
func program(t *testing.T, text string, flags ...string) (binary string) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "program")
	args := append(append([]string{"build", "-o", binary}, flags...), source)
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// A server that locks itself is bigger than the same server without, by no more than this, in bytes, where both are built
// as one deploys them: without symbol table and DWARF.
const sizeLimit = 480_000

func TestSizeOfImporting(t *testing.T) {
	const strip = "-ldflags=-s -w"
	grown := size(t, program(t, locked(server), strip)) - size(t, program(t, server, strip))
	t.Logf("the binary grows by %d bytes", grown)
	if grown > sizeLimit {
		t.Errorf("the binary grows by %d bytes, more than %d", grown, sizeLimit)
	}
	if grown < sizeLimit/2 {
		t.Errorf("the binary grows by %d bytes only: lower the limit of %d", grown, sizeLimit)
	}
}

// Importing the package is nothing at start-up.
func TestInitOfImporting(t *testing.T) {
	plain, ours := program(t, command), program(t, locked(command))
	before, after := initialised(t, plain), initialised(t, ours)
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
