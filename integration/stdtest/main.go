//go:build linux

// Stdtest has Go's own tests of the standard library judge the sets: each package's tests run unlocked, and then once
// more, the same binary in the same place, under a stage that has the areas of that package alone. What ends in another
// way then was refused, and differences.txt has to say that it was meant to be.
//
//	go run ./integration/stdtest             every package of groups/, and docs/std-tests.md from what came out
//	go run ./integration/stdtest -fast       those that take little time; writes nothing
//	go run ./integration/stdtest -run '^os'  those that match; writes nothing
//	go run ./integration/stdtest -results D  keeps what comes out in the directory D, and doesn't run again what lies there
//
// It exits with 1 where a difference is unexplained, or an explanation has nothing to explain.
//
// The stage is put in force by `stagelock run`, as go test's -exec, from the first instruction of the test binary on;
// so each has exec.static or exec.dynamic too, for the start of the program.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == judgeArg {
		exit(judge(os.Args[2:]))
	}
	fast := flag.Bool("fast", false, "only the packages of groups that are marked fast")
	only := flag.String("run", "", "only packages that match the `regexp`")
	results := flag.String("results", "", "the `directory` in which what comes out is kept, and found again")
	verbose := flag.Bool("v", false, "what differing tests printed")
	flag.Parse()
	exit(run(*fast, *only, *results, *verbose))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "stdtest:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run runs the tests, compares, and prints or writes what came out.
func run(fast bool, only, keep string, verbose bool) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	groups, err := readGroups(os.DirFS(filepath.Join(root, "integration/stdtest/groups")))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "integration/stdtest/differences.txt"))
	if err != nil {
		return err
	}
	expected, err := parseDifferences(string(text))
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "stdtest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if keep == "" {
		keep = work
	}
	build := exec.Command("go", "build", "-o", work+"/", root+"/cmd/stagelock")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}

	var all []*result
	for _, g := range groups {
		if fast && !g.fast {
			continue
		}
		packages, err := g.list(pattern)
		if err != nil {
			return err
		}
		if len(packages) == 0 {
			continue
		}
		results, err := g.test(filepath.Join(work, "stagelock"), filepath.Join(root, "integration/stdtest/groups", g.name+".policy"), keep, packages)
		if err != nil {
			return err
		}
		for _, r := range results {
			fmt.Println(r)
			for _, d := range r.differences() {
				e := expected.find(r, d.test)
				fmt.Printf("    %s: %s\n", d, e)
				if verbose {
					fmt.Print(r.Output)
				}
			}
		}
		all = append(all, results...)
	}
	err = expected.verdict(all, fast || only != "")
	if fast || only != "" {
		return err
	}
	// Also where something is unexplained: it says so.
	paper := []byte(table(groups, all, expected))
	return errors.Join(err, os.WriteFile(filepath.Join(root, "docs/std-tests.md"), paper, 0o666))
}

// moduleRoot returns the directory of the module's go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/stagelock/seccomp").Output()
	if err != nil {
		return "", fmt.Errorf("run it in the module: %w", err)
	}
	return string(out[:len(out)-1]), nil
}
