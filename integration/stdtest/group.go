//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A group is packages whose tests run under one policy, a file of groups/. Lines on top of it say which:
//
//	# packages: os os/exec io/...
//	# cgo
//	# fast
type group struct {
	name     string
	patterns []string // as go list has them
	cgo      bool
	fast     bool
	sets     []string // that the policy uses
}

func readGroups(dir fs.FS) (all []*group, err error) {
	names, err := fs.Glob(dir, "*.policy")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		g := &group{name: strings.TrimSuffix(name, path.Ext(name))}
		for _, line := range strings.Split(string(text), "\n") {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "# packages: "):
				g.patterns = append(g.patterns, strings.Fields(line[len("# packages: "):])...)
			case line == "# cgo":
				g.cgo = true
			case line == "# fast":
				g.fast = true
			case strings.HasPrefix(line, "use "):
				line, _, _ = strings.Cut(line[len("use "):], "#")
				for _, set := range strings.Split(line, ",") {
					g.sets = append(g.sets, strings.TrimSpace(set))
				}
			}
		}
		if len(g.patterns) == 0 || len(g.sets) == 0 {
			return nil, fmt.Errorf("groups/%s: it names no packages, or uses no sets", name)
		}
		slices.Sort(g.sets)
		all = append(all, g)
	}
	return all, nil
}

// environ is what go is run with: the group's kind of build, and the newest behaviour, that of a module of its release.
func (g *group) environ() []string {
	cgo := "CGO_ENABLED=0"
	if g.cgo {
		cgo = "CGO_ENABLED=1"
	}
	return append(os.Environ(), cgo, "GODEBUG=", "GOFLAGS="+os.Getenv("GOFLAGS"))
}

// list returns the packages of the group that have tests and match.
func (g *group) list(only *regexp.Regexp) (packages []string, err error) {
	const withTests = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"
	cmd := exec.Command("go", append([]string{"list", "-f", withTests}, g.patterns...)...)
	cmd.Env = g.environ()
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	for _, p := range strings.Fields(string(out)) {
		if only.MatchString(p) {
			packages = append(packages, p)
		}
	}
	return packages, nil
}

// test runs the tests of packages, both ways: those that have no result in a directory below keep, which is that of the
// filter that the policy comes to.
func (g *group) test(stagelock, policy, keep string, packages []string) (results []*result, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	filter, err := g.filter(stagelock, policy)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(keep, g.name+"-"+filter)
	if err := os.MkdirAll(out, 0o777); err != nil {
		return nil, err
	}
	left := slices.DeleteFunc(slices.Clone(packages), func(pkg string) bool {
		_, err := os.Stat(filepath.Join(out, resultFile(pkg)))
		return err == nil
	})
	if len(left) > 0 {
		wrapper := strings.Join([]string{self, judgeArg, out, stagelock, policy}, " ")
		// -v has a line printed for each test, -vet=off leaves out what the release's authors have done.
		cmd := exec.Command("go", append([]string{"test", "-short", "-count=1", "-v", "-vet=off", "-timeout=30m", "-exec", wrapper}, left...)...)
		cmd.Env = g.environ()
		cmd.Stderr = os.Stderr
		if text, err := cmd.Output(); err != nil {
			return nil, fmt.Errorf("go test: %w\n%s", err, text)
		}
	}
	for _, pkg := range packages {
		text, err := os.ReadFile(filepath.Join(out, resultFile(pkg)))
		if err != nil {
			return nil, fmt.Errorf("%s: %s was not run: %w", g.name, pkg, err)
		}
		r := &result{group: g}
		if err := json.Unmarshal(text, r); err != nil {
			return nil, fmt.Errorf("%s: %w", pkg, err)
		}
		results = append(results, r)
	}
	slices.SortFunc(results, func(a, b *result) int { return strings.Compare(a.Package, b.Package) })
	return results, nil
}

// filter returns a name for what the policy comes to: for the filter that its stage is under the sets of today.
func (g *group) filter(stagelock, policy string) (string, error) {
	version, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return "", err
	}
	release, _, _ := strings.Cut(strings.TrimSpace(string(version)), " ")
	args := []string{"compile", "-format", "raw", "-go", release, fmt.Sprintf("-cgo=%t", g.cgo), policy}
	raw, err := exec.Command(stagelock, args...).Output()
	if err != nil {
		return "", fmt.Errorf("stagelock %s: %w", strings.Join(args, " "), err)
	}
	sum := fnv.New64a()
	sum.Write(raw)
	return fmt.Sprintf("%016x", sum.Sum64()), nil
}
