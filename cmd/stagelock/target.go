package main

import (
	"flag"
	"fmt"
	"go/version"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// stdinName is the FILE that stands for the standard input, and stdinTitle what messages call it.
const (
	stdinName  = "-"
	stdinTitle = "<stdin>"
)

// A target is the program that a policy is for, as flags say it.
type target struct {
	archName  string
	goVersion string
	cgo       bool
}

// flags defines the flags that say the target.
func (t *target) flags(fs *flag.FlagSet) {
	fs.StringVar(&t.archName, "arch", "", "for the architecture `A`; without it for "+defaultArch()+";\nthere are "+
		strings.Join(kernel.Names(), ", "))
	t.buildFlags(fs)
}

// buildFlags defines the flags that say how the program is built, which settles what its floor is.
func (t *target) buildFlags(fs *flag.FlagSet) {
	fs.StringVar(&t.goVersion, "go", runtimeset.Newest, "for a program built by Go `V`, such as 1.25, which settles\nits floor and sets; without it by Go "+
		runtimeset.Newest)
	fs.BoolVar(&t.cgo, "cgo", false, "for a program with cgo: the C library's calls are in the floor too")
}

// defaultArch is the machine's own architecture, or amd64 where Linux has no such.
func defaultArch() string {
	if _, ok := kernel.ByName(runtime.GOARCH); ok {
		return runtime.GOARCH
	}
	return "amd64"
}

// arch returns the architecture.
func (t *target) arch() (*kernel.Arch, error) {
	name := t.archName
	if name == "" {
		name = defaultArch()
	}
	a, ok := kernel.ByName(name)
	if !ok {
		names := slices.Values(kernel.Names())
		if near := rule.Nearest(name, names); near != "" {
			return nil, wordf("unknown architecture %q: did you mean %q?", name, near)
		}
		return nil, wordf("unknown architecture %q: there are %s", name, strings.Join(kernel.Names(), ", "))
	}
	return a, nil
}

// build returns how the program is built, for an architecture.
func (t *target) build(arch *kernel.Arch) (runtimeset.Build, error) {
	v := strings.TrimPrefix(t.goVersion, "go")
	if !version.IsValid("go" + v) {
		return runtimeset.Build{}, wordf("-go %s is no Go release: say it as in -go %s", t.goVersion, runtimeset.Newest)
	}
	return runtimeset.Build{Arch: arch.Name, Go: v, Cgo: t.cgo}, nil
}

// librarian returns what a policy is checked for.
func librarian(arch *kernel.Arch, b runtimeset.Build) policy.Target {
	return policy.Target{Arch: arch, Sets: runtimeset.For(b)}
}

// noteRelease says if the sets are those of another release.
func noteRelease(s *streams, b runtimeset.Build) {
	if n := b.Note(); n != "" {
		s.complain("note: %s", n)
	}
}

// plan reads a policy and works out its stages. The error is a usageError, rule.Errors or a file's.
func (t *target) plan(s *streams, file string, env stage.Env) (*stage.Plan, error) {
	p, err := t.policy(s, file)
	if p == nil {
		return nil, err
	}
	return stage.New(p, env)
}

// policy reads and checks a policy. With mistakes there may be one too, for stage.New to tell more of them.
func (t *target) policy(s *streams, file string) (*policy.Policy, error) {
	arch, err := t.arch()
	if err != nil {
		return nil, err
	}
	b, err := t.build(arch)
	if err != nil {
		return nil, err
	}
	noteRelease(s, b)
	f, err := parseFile(s, file)
	if err != nil {
		return nil, err
	}
	return policy.Check(f, librarian(arch, b))
}

// parseFile reads and parses a policy. Mistakes of grammar are left in it for policy.Check, which tells all there are.
func parseFile(s *streams, file string) (*rule.File, error) {
	text, err := readFile(s, file)
	if err != nil {
		return nil, err
	}
	f, err := rule.Parse(title(file), text)
	if f != nil {
		err = nil
	}
	return f, err
}

// readFile returns the text of a policy, and no more of it than shows that it is too large.
func readFile(s *streams, file string) ([]byte, error) {
	in := s.in
	if file != stdinName {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, rule.MaxSize+1))
	if err == nil && len(text) > rule.MaxSize {
		msg := fmt.Sprintf("the text has more than %d bytes, the most that a policy may have", rule.MaxSize)
		err = &rule.Error{File: title(file), Pos: rule.Pos{Line: 1, Col: 1}, Msg: msg, Class: rule.ErrTooLarge}
	}
	return text, err
}

// title returns what messages call a file.
func title(file string) string {
	if file == stdinName {
		return stdinTitle
	}
	return file
}

// stageOf returns the index of the stage that a flag names, of the last one if it names none.
func stageOf(p *stage.Plan, name string) (int, error) {
	if name == "" {
		return len(p.Stages) - 1, nil
	}
	if k, ok := p.Index(name); ok {
		return k, nil
	}
	names := make([]string, len(p.Stages))
	for i := range p.Stages {
		names[i] = p.Stages[i].Name
	}
	if near := rule.Nearest(name, slices.Values(names)); near != "" {
		return 0, wordf("unknown stage %q: did you mean %q?", name, near)
	}
	return 0, wordf("unknown stage %q: %s has %s", name, p.Policy.Name, strings.Join(names, ", "))
}
