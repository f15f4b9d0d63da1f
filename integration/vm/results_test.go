package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const console = `[    0.5] something of the kernel's
VM-START 6.1.0-50-s390x s390x
VM-LACKS wait_killable_recv

VM-RUN seccomp
=== RUN   TestOne
--- PASS: TestOne (0.00s)
=== RUN   TestTwo
=== RUN   TestTwo/a
    two_test.go:7: no such thing here
=== RUN   TestTwo/b
--- PASS: TestTwo (0.01s)
    --- SKIP: TestTwo/a (0.00s)
    --- PASS: TestTwo/b (0.00s)
PASS

VM-EXIT seccomp 0 1234

VM-RUN lock
=== RUN   TestThree
    three_test.go:9: wrong
--- FAIL: TestThree (0.00s)
FAIL

VM-EXIT lock 1 99
VM-END
`

func TestParse(t *testing.T) {
	res, err := parse(strings.NewReader(console))
	if err != nil {
		t.Fatal(err)
	}
	if res.kernel != "6.1.0-50-s390x" || res.lacks != "wait_killable_recv" || res.passed != 3 {
		t.Errorf("%+v", res)
	}
	if want := []string{"seccomp.TestTwo/a: no such thing here"}; !slices.Equal(res.bySkip(), want) {
		t.Errorf("skipped: %q", res.bySkip())
	}
	if s := res.suites["seccomp"]; s.exit != 0 || s.milliseconds != 1234 || !slices.Equal(s.passed, []string{"TestOne", "TestTwo", "TestTwo/b"}) {
		t.Errorf("%+v", s)
	}
	if res.suites["lock"].exit != 1 || !slices.Equal(res.failed, []string{"lock.TestThree"}) {
		t.Errorf("%+v", res)
	}
}

// What a machine did not show is a failure: a suite that was cut short, one in which everything was skipped, a test that
// had to pass and did not run.
func TestJudge(t *testing.T) {
	for what, tt := range map[string]struct {
		console string
		suites  []suite
		want    string
	}{
		"all is well":      {console, []suite{{pkg: ".", must: []string{"TestOne"}}}, "lock.TestThree"}, // which parse found
		"exit status":      {console, []suite{{pkg: "lock"}}, "lock: exit status 1"},
		"not run":          {console, []suite{{pkg: ".", must: []string{"TestFour"}}}, "seccomp.TestFour: did not pass"},
		"everything skips": {strings.ReplaceAll(console, "--- PASS: Test", "--- SKIP: Test"), []suite{{pkg: "."}}, "seccomp: no test passed"},
		"cut short":        {strings.Split(console, "VM-EXIT seccomp")[0], []suite{{pkg: "."}}, "seccomp: did not end"},
		"never up":         {"", []suite{{pkg: "."}}, "the machine never came up"},
	} {
		res, err := parse(strings.NewReader(tt.console))
		if err != nil {
			t.Fatal(err)
		}
		res.judge(tt.suites)
		if !slices.Contains(res.failed, tt.want) {
			t.Errorf("%s: %q, want %q among them", what, res.failed, tt.want)
		}
	}
}

// The archive is one that others read.
func TestArchive(t *testing.T) {
	var b bytes.Buffer
	a := newArchive(&b)
	a.add("a/b/file", 0o644, []byte("12345"))
	a.add("a/other", 0o755, nil)
	a.link("bin/link", "/a/other")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if b.Len()%4 != 0 || binary.BigEndian.Uint32(b.Bytes()) != binary.BigEndian.Uint32([]byte("0707")) {
		t.Errorf("%d bytes, beginning with %q", b.Len(), b.Bytes()[:8])
	}
	cpio, err := exec.LookPath("cpio")
	if err != nil {
		t.Skip("there is no cpio to read it")
	}
	dir := t.TempDir()
	cmd := exec.Command(cpio, "-i", "--quiet", "--no-absolute-filenames")
	cmd.Dir, cmd.Stdin = dir, &b
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a/b/file")); err != nil || string(text) != "12345" {
		t.Errorf("%q, %v", text, err)
	}
	if to, err := os.Readlink(filepath.Join(dir, "bin/link")); err != nil || to != "/a/other" {
		t.Errorf("%q, %v", to, err)
	}
}

// Every machine has a hardware, every suite is a package, and the fast part is not empty.
func TestTables(t *testing.T) {
	fast, err := find(nil, true)
	if err != nil || len(fast) == 0 || len(fast) == len(machines) {
		t.Errorf("%v, %v", fast, err)
	}
	for _, m := range machines {
		if hardwares[m.arch].program == "" {
			t.Errorf("%s: what does QEMU play?", m.name())
		}
	}
	for _, s := range suites {
		if _, err := os.Stat(filepath.Join("..", "..", s.pkg)); err != nil {
			t.Error(err)
		}
	}
	if _, err := find([]string{"vax"}, false); err == nil {
		t.Error("there is no vax")
	}
}
