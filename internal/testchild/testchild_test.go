package testchild

import (
	"os/exec"
	"testing"
)

func TestTestBinary(t *testing.T) {
	if !TestBinary() || Inside() {
		t.Errorf("here: test binary %t, inside %t; want true, false", TestBinary(), Inside())
	}
	Enter()
	if !Inside() {
		t.Error("not inside after Enter")
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
