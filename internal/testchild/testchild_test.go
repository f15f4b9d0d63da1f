package testchild

import (
	"os/exec"
	"strings"
	"testing"
)

func TestTestBinary(t *testing.T) {
	defer inside.Store(false) // the next run of this test, by -count, is not inside
	if !TestBinary() || Inside() {
		t.Errorf("here: test binary %t, inside %t; want true, false", TestBinary(), Inside())
	}
	Enter()
	if !Inside() {
		t.Error("not inside after Enter")
	}
}

// A test that runs main must not lock the test run, and it is in a program's own package that such tests stand.
func TestTestOfAProgram(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not there to test a program with")
	}
	for _, args := range [][]string{{"-count=1"}, {"-trimpath"}, {"-ldflags=-s -w"}} {
		cmd := exec.Command(goTool, append(append([]string{"test", "-v"}, args...), "./testdata/plain")...)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "\ntrue false\n") {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
}

func TestPlainProgram(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not there to build a program with")
	}
	out, err := exec.Command(goTool, "run", "./testdata/plain", "-test.run=x").CombinedOutput()
	if err != nil || string(out) != "false false\n" {
		t.Errorf("an ordinary program: %q, %v", out, err)
	}
}
