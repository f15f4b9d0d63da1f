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

// locked returns a program that locks itself, in a built-in stage, before it does anything else.
func locked(program string) string {
	program = strings.Replace(program, ")\n", "\n\t\"github.com/stagelock/seccomp\"\n)\n", 1)
	return strings.Replace(program, "main() {\n", "main() {\n\tseccomp.Stage(\"init\").MustLock()\n", 1)
}

// declared returns a program that does so under a policy of its own.
func declared(program string) string {
	return strings.Replace(locked(program), "main() {\n", "main() {\n\tseccomp.MustDeclare(\"p\", \"use file, net.client\")\n", 1)
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

// By how many bytes a program that locks itself may be bigger than the same program without. The first line is what
// counts: a server as one deploys it, without symbol table and DWARF. Each limit is some 5 % above what Go 1.26 makes of
// it on amd64; the first one is the aim.
var sizes = []struct {
	name    string
	program string
	with    func(program string) string
	flags   []string
	limit   int64
}{
	{"a server", server, locked, []string{strip}, 500_000},
	{"a server with a policy of its own", server, declared, []string{strip}, 850_000},
	{"a server with symbols and DWARF", server, locked, nil, 790_000},
	{"a command", command, locked, []string{strip}, 715_000},
}

const strip = "-ldflags=-s -w"

func TestSizeOfImporting(t *testing.T) {
	for _, tt := range sizes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			grown := size(t, program(t, tt.with(tt.program), tt.flags...)) - size(t, program(t, tt.program, tt.flags...))
			t.Logf("the binary grows by %d bytes", grown)
			if grown > tt.limit {
				t.Errorf("the binary grows by %d bytes, more than %d", grown, tt.limit)
			}
			if grown < tt.limit/2 {
				t.Errorf("the binary grows by %d bytes only: lower the limit of %d", grown, tt.limit)
			}
		})
	}
}

// A program that says nothing of its own links neither the parser nor the checker, nor the kernel's constants and
// prototypes; one that does links them.
func TestLinked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nothing is locked on " + runtime.GOOS)
	}
	const ours = "github.com/stagelock/seccomp/"
	behind := []string{ours + "rule.(*parser).", ours + "policy.(*checker).", ours + "internal/kernel.(*Arch).Const",
		ours + "internal/kernel.Call.Args", ours + "lock.SayTraps"}
	symbols := func(text string) string {
		out, err := exec.Command("go", "tool", "nm", program(t, text)).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	without, with := symbols(locked(command)), symbols(declared(command))
	if !strings.Contains(without, ours+"stage.New") {
		t.Error("the locked program does not plan its stages")
	}
	for _, name := range behind {
		if strings.Contains(without, name) {
			t.Errorf("a program that declares nothing links %s", name)
		}
		if !strings.Contains(with, name) {
			t.Errorf("a program that declares a policy does not link %s: is there no such thing any more?", name)
		}
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
