//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// judgeArg is the first argument of this program where it is go test's -exec.
const judgeArg = "-judge"

// tries is how often tests that ended in another way are run alone, with the stage and without it, before that counts:
// the tests of the standard library measure times, and share the machine.
const tries = 3

// judge runs a test binary, as go test has it run, and then once more under the policy, and leaves what came out as a
// file. Its arguments are the directory for that file, the command stagelock, the policy, and the binary with its own.
func judge(args []string) error {
	if len(args) < 4 {
		return errors.New("too few arguments")
	}
	out, stage, command := args[0], []string{args[1], "run", "-policy", args[2], "--"}, args[3:]
	dir, err := os.Getwd() // of the package: go test has seen to that
	if err != nil {
		return err
	}
	_, pkg, _ := strings.Cut(filepath.ToSlash(dir), "/src/")
	r := &result{Package: pkg}
	r.Unlocked, _ = tests(command)
	r.Locked, r.Output = tests(append(stage, command...))
	if r.Locked[wholeRun] == notStarted {
		return fmt.Errorf("the stage was not put in force:\n%s", r.Output)
	}
	for range tries {
		r.again(command, stage)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, resultFile(pkg)), text, 0o666)
}

// resultFile is the file in which the result of a package is left.
func resultFile(pkg string) string { return strings.ReplaceAll(pkg, "/", "_") + ".json" }

// again runs those tests alone that differ, or all where none does and the run as a whole failed, to tell what the stage
// does from what chance does: what ends alike once, and passes, is no difference.
func (r *result) again(command, stage []string) {
	var names []string
	differ := r.differences()
	for _, d := range differ {
		if top, _, _ := strings.Cut(d.test, "/"); d.test != wholeRun && !slices.Contains(names, top) {
			names = append(names, top)
		}
	}
	if len(differ) == 0 {
		return
	}
	alone := command
	if len(names) > 0 {
		alone = append(command[:len(command):len(command)], "-test.run=^("+strings.Join(names, "|")+")$")
	}
	unlocked, _ := tests(alone)
	locked, output := tests(append(stage[:len(stage):len(stage)], alone...))
	r.Output += output
	for _, d := range r.differences() {
		if u, l := unlocked[d.test], locked[d.test]; d.test != wholeRun && u == l && u == "PASS" {
			r.Unlocked[d.test], r.Locked[d.test] = u, l
		}
	}
	// Where these tests alone made the run fail, or nothing did, it failed by chance too.
	if len(r.differences()) == 1 && r.differences()[0].test == wholeRun && unlocked[wholeRun] == "PASS" && locked[wholeRun] == "PASS" {
		for _, ends := range []map[string]string{r.Unlocked, r.Locked} {
			if ends[wholeRun] == "FAIL" { // and did not crash
				ends[wholeRun] = "PASS"
			}
		}
	}
}

// wholeRun is the name under which the end of the test binary counts, beside those of its tests.
const wholeRun = "the run as a whole"

// notStarted is how stagelock run ends where it fails by itself.
const notStarted = "exit status 125"

// outcome finds the end of a test in what a test binary prints. With -test.v=test2json, which go test -json has it do,
// a mark stands before it, so that what a test itself printed before can't hide it.
var outcome = regexp.MustCompile(`(?m)(?:\x16|^) *--- (PASS|FAIL|SKIP): (\S+) \(`)

// tests runs a test binary, and returns how its tests ended, and what it printed.
func tests(command []string) (ends map[string]string, output string) {
	for i, arg := range command {
		if arg == "-test.v=true" {
			command = append(append(command[:i:i], "-test.v=test2json"), command[i+1:]...)
		}
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "GODEBUG=") // as a program of this release has it
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err := cmd.Run()
	ends = make(map[string]string)
	for _, m := range outcome.FindAllStringSubmatch(text.String(), -1) {
		ends[m[2]] = m[1]
	}
	ends[wholeRun] = "PASS"
	if err != nil {
		ends[wholeRun] = "FAIL"
		if s := cmd.ProcessState; s != nil && s.ExitCode() != 1 { // a crash, or what a signal did
			ends[wholeRun] = fmt.Sprint(s)
		}
	}
	return ends, text.String()
}
