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

// before returns a program that begins with statements, which use this package.
func before(program string, statements ...string) string {
	program = strings.Replace(program, ")\n", "\n\t\"github.com/stagelock/seccomp\"\n)\n", 1)
	return strings.Replace(program, "main() {\n", "main() {\n\t"+strings.Join(statements, "\n\t")+"\n", 1)
}

// What programs do with this package.
const (
	lock    = `seccomp.Stage("init").MustLock()` // a built-in stage, if none is declared
	declare = `seccomp.MustDeclare("seccomp.policy", policy)`
	ask     = `println(seccomp.Current().Policy)`
	observe = `if err := seccomp.SetMode(seccomp.Observe); err != nil { panic(err) }`
)

// locked returns a program that locks itself, in a built-in stage, before it does anything else.
func locked(program string) string { return before(program, lock) }

// asked returns one that asks, too, what is in force.
func asked(program string) string { return before(program, lock, ask) }

// observed returns one that may be told to observe.
func observed(program string) string { return before(program, observe, lock) }

// declared returns a program that locks itself under a policy of its own, the example's.
func declared(program string) string { return embedded(before(program, declare, lock)) }

// full returns a program that does all of this.
func full(program string) string { return embedded(before(program, declare, observe, lock, ask)) }

func embedded(program string) string {
	program = strings.Replace(program, "import (\n", "import (\n\t_ \"embed\"\n", 1)
	return strings.Replace(program, "\nfunc main", "\n//go:embed seccomp.policy\nvar policy string\n\nfunc main", 1)
}

// program builds a program in the circumstances of this module, for this machine.
func program(t *testing.T, text string, flags ...string) (binary string) {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "go:embed") {
		policy, err := os.ReadFile("examples/webserver/seccomp.policy")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "seccomp.policy"), policy, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	binary = filepath.Join(dir, "program")
	args := append(append([]string{"build", "-trimpath", "-o", binary}, flags...), source) // where this module lies is no matter
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// By how many bytes a program that locks itself may be bigger than the same program without, as one deploys it, without
// symbol table and DWARF. The aim is 500 KB, whatever the program does with this package; it holds for programs that lock
// built-in stages, and is missed by all others. Their limits are some 5 % above what Go 1.26 makes of it on amd64.
var sizes = []struct {
	name  string
	with  func(program string) string
	flags []string

	server, command int64 // limits
}{
	{"built-in stages", locked, []string{strip}, 500 << 10, 500 << 10},
	{"a policy of its own", declared, []string{strip}, 920_000, 998_000},
	{"asking what is in force", asked, []string{strip}, 671_000, 753_000},
	{"a mode", observed, []string{strip}, 675_000, 757_000},
	{"all of this", full, []string{strip}, 1_114_000, 1_213_000},
	{"built-in stages, with symbols and DWARF", locked, nil, 735_000, 848_000},
}

const strip = "-ldflags=-s -w"

func TestSizeOfImporting(t *testing.T) {
	for _, tt := range sizes {
		for _, of := range []struct {
			name, program string
			limit         int64
		}{{"a server", server, tt.server}, {"a command", command, tt.command}} {
			t.Run(of.name+" with "+tt.name, func(t *testing.T) {
				t.Parallel()
				grown := size(t, program(t, tt.with(of.program), tt.flags...)) - size(t, program(t, of.program, tt.flags...))
				t.Logf("the binary grows by %d bytes", grown)
				if grown > of.limit {
					t.Errorf("the binary grows by %d bytes, more than %d", grown, of.limit)
				}
				if grown < of.limit/2 {
					t.Errorf("the binary grows by %d bytes only: lower the limit of %d", grown, of.limit)
				}
			})
		}
	}
}

// A program that says nothing of its own links neither the parser nor the checker, nor what looks for mistakes of stages,
// nor the kernel's constants and prototypes; one that does links them.
func TestLinked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nothing is locked on " + runtime.GOOS)
	}
	const ours = "github.com/stagelock/seccomp/"
	behind := []string{ours + "rule.(*parser).", ours + "policy.(*checker).", ours + "internal/kernel.(*Arch).Const",
		ours + "internal/kernel.Call.Args", ours + "lock.SayTraps",
		ours + "stage.(*builder).judgeRule"}
	symbols := func(text string) string {
		out, err := exec.Command("go", "tool", "nm", program(t, text)).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	without, with := symbols(locked(command)), symbols(declared(command))
	// What a single call of the standard library would bring into a command, 50 to 150 KB each: os.ReadDir, os.ReadFile or a
	// type that leads to a time.Time where fmt looks for methods; sort.Slice; slices.SortFunc.
	for _, name := range []string{"time.Time.appendFormat", "os.(*File).readdir", "internal/reflectlite.Swapper",
		"slices.pdqsortCmpFunc"} {
		if strings.Contains(without, name) || strings.Contains(with, name) {
			t.Errorf("a command that locks itself links %s", name)
		}
	}
	if !strings.Contains(without, ours+"stage.Again") {
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
