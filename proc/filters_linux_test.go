package proc

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGroup(t *testing.T) {
	a := InForce{Program: []Instruction{{Code: 6, K: 1}}}
	b := InForce{Program: []Instruction{{Code: 6, K: 2}}}
	logged := InForce{Program: a.Program, Log: true}
	got := group([]Stack{
		{[]int{1}, []InForce{a}}, {[]int{2}, []InForce{a, b}}, {[]int{3}, []InForce{a}}, {[]int{4}, nil}, {[]int{5}, []InForce{logged}},
	})
	want := []Stack{{[]int{1, 3}, []InForce{a}}, {[]int{2}, []InForce{a, b}}, {[]int{4}, nil}, {[]int{5}, []InForce{logged}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	both := Stack{Filters: []InForce{a, b}}
	for _, tt := range []struct {
		programs [][]Instruction
		want     bool
	}{
		{nil, true},
		{[][]Instruction{a.Program}, true},
		{[][]Instruction{b.Program}, true},
		{[][]Instruction{a.Program, b.Program}, true},
		{[][]Instruction{b.Program, a.Program}, false},
		{[][]Instruction{a.Program, b.Program, b.Program}, false},
	} {
		if got := both.Has(tt.programs); got != tt.want {
			t.Errorf("Has(%v) is %v", tt.programs, got)
		}
	}
}

// Looking at a process leaves nothing behind, in neither process.
func TestFiltersLeavesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	if err := privileged(); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("sh", "-c", "echo ready; read x; exit 7")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	look := func() {
		t.Helper()
		stacks, err := Filters(cmd.Process.Pid)
		if err != nil || len(stacks) != 1 || len(stacks[0].Filters) != 0 || len(stacks[0].Tids) != 1 {
			t.Fatalf("%+v, %v", stacks, err)
		}
	}
	look()
	threads, files := count(t, "task"), count(t, "fd")
	for range 500 {
		look()
	}
	// The runtime starts a few threads of its own, up to one for each processor that it uses and those that are in calls.
	if n := count(t, "task"); n > threads+8 {
		t.Errorf("%d threads, %d before", n, threads)
	}
	if n := count(t, "fd"); n > files { // earlier tests' files may be collected meanwhile
		t.Errorf("%d descriptors, %d before", n, files)
	}
	in.Write([]byte("go\n"))
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("the process ended with %v", err)
	}
	if _, err := Filters(cmd.Process.Pid); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a process that has ended: %v", err)
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/" + dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestFiltersWithoutRights(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root has the right")
	}
	_, err := Filters(os.Getpid())
	var e *Error
	if !errors.Is(err, ErrPrivilege) || !errors.As(err, &e) || e.Pid != os.Getpid() {
		t.Errorf("%v", err)
	}
}

func TestTracerPid(t *testing.T) {
	for text, want := range map[string]int{
		"Name:\tx\nTracerPid:\t12\nUid:\t0\n": 12,
		"Name:\tx\nTracerPid:\t0\n":           0,
		"Name:\tTracerPid:\t5\n":              0,
		"":                                    0,
	} {
		if got := tracerPid([]byte(text)); got != want {
			t.Errorf("%q: %d", text, got)
		}
	}
}
