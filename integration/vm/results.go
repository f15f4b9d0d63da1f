package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A result is what a machine's console tells.
type result struct {
	kernel string   // its release
	lacks  string   // what of seccomp it has not
	passed int      // tests and their parts
	failed []string // names of tests and suites, and what else went wrong
	skips  []skip
	suites map[string]suiteResult
}

// A skip is a test that a machine could not run.
type skip struct{ test, why string }

type suiteResult struct {
	exit         int
	milliseconds int
	passed       []string // tests and their parts
}

var outcomeLine = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+) \(`)

// parse reads a console.
func parse(r io.Reader) (res result, err error) {
	res.suites = make(map[string]suiteResult)
	var current, test string
	var run suiteResult
	var said map[string]string // by a test, last
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "VM-START ") && len(words) > 1:
			res.kernel = words[1]
		case strings.HasPrefix(line, "VM-LACKS "):
			res.lacks = strings.TrimPrefix(line, "VM-LACKS ")
		case strings.HasPrefix(line, "VM-BROKEN "), strings.HasPrefix(line, "VM-LATE "):
			res.failed = append(res.failed, line)
		case strings.HasPrefix(line, "VM-RUN ") && len(words) == 2:
			current, run, said = words[1], suiteResult{}, make(map[string]string)
		case strings.HasPrefix(line, "VM-EXIT ") && len(words) == 4:
			run.exit, _ = strconv.Atoi(words[2])
			run.milliseconds, _ = strconv.Atoi(words[3])
			res.suites[current] = run
			current = ""
		}
		// With -test.v, a line that begins so tells whose the lines after it are.
		if strings.HasPrefix(line, "=== ") && len(words) == 3 {
			test = words[2]
		} else if _, text, ok := strings.Cut(line, "_test.go:"); ok && current != "" {
			_, said[test], _ = strings.Cut(text, ": ")
		}
		m := outcomeLine.FindStringSubmatch(line)
		switch {
		case m == nil || current == "":
		case m[1] == "PASS":
			res.passed++
			run.passed = append(run.passed, m[2])
		case m[1] == "FAIL":
			res.failed = append(res.failed, current+"."+m[2])
		case m[1] == "SKIP":
			res.skips = append(res.skips, skip{current + "." + m[2], said[m[2]]})
		}
	}
	return res, lines.Err()
}

// judge adds to the failures what the machine did not show of the suites it was to run.
func (res *result) judge(wanted []suite) {
	if res.kernel == "" {
		res.failed = append(res.failed, "the machine never came up")
		return
	}
	for _, s := range wanted {
		run, ok := res.suites[s.name()]
		if !ok {
			res.failed = append(res.failed, s.name()+": did not end")
			continue
		}
		if run.exit != 0 {
			res.failed = append(res.failed, fmt.Sprintf("%s: exit status %d", s.name(), run.exit))
		}
		if len(run.passed) == 0 {
			res.failed = append(res.failed, s.name()+": no test passed")
		}
		for _, name := range s.must {
			if !slices.Contains(run.passed, name) {
				res.failed = append(res.failed, fmt.Sprintf("%s.%s: did not pass", s.name(), name))
			}
		}
	}
}

// bySkip groups what was skipped by the reason, in the order in which the reasons came.
func (res *result) bySkip() (lines []string) {
	var reasons []string
	tests := make(map[string][]string)
	for _, s := range res.skips {
		if tests[s.why] == nil {
			reasons = append(reasons, s.why)
		}
		tests[s.why] = append(tests[s.why], s.test)
	}
	for _, why := range reasons {
		list := tests[why]
		line := list[0]
		if n := len(list) - 1; n > 0 {
			line += fmt.Sprintf(" and %d more", n)
		}
		lines = append(lines, line+": "+why)
	}
	return lines
}
