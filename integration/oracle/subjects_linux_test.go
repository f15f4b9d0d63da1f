//go:build !race

// The race detector makes calls of its own on the thread that measures.

package oracle

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// The stages that programs in examples/ say in code.
var inCode = map[string]string{
	"fluent": `
		stage init
			use file.read, file.io, net.server
			sys_socket: family in {AF_INET, AF_INET6}
		stage serve
			only file.io, net.accept, net.conn
			sys_mmap: 0`,
	"tool": `use file.io`,
}

// subjects returns the policies that are compared, by name: those of the examples, the default one, the benchmark's,
// one with every kind of condition, and one that takes several programs.
func subjects() (texts map[string]string, err error) {
	texts = map[string]string{several: large()}
	maps.Copy(texts, inCode)
	_, texts["default"] = runtimeset.Default()
	files, err := filepath.Glob("../../examples/*/seccomp.policy")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no example has a policy: is this run in its own directory?")
	}
	every := "testdata/every.policy"
	if native.Bits == 32 {
		every = "testdata/every.32.policy"
	}
	for _, f := range append(files, "../../filter/testdata/server.policy", every) {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(filepath.Dir(f))
		if name == "testdata" {
			name, _, _ = strings.Cut(filepath.Base(f), ".")
		}
		texts[name] = string(text)
	}
	for _, name := range []string{"every", "server"} {
		texts[name] = mmaps.ReplaceAllStringFunc(texts[name], ownMmap)
	}
	return texts, nil
}

// mmaps finds rules about mmap.
var mmaps = regexp.MustCompile(`(?m)^ *sys_mmap:.*\n`)

// ownMmap makes of a rule about mmap what this architecture can have: it may have mmap2 for it, or one that takes a
// pointer to its arguments.
func ownMmap(rule string) string {
	switch {
	case native.Name == "s390x":
		return ""
	case native.Bits == 32:
		return strings.Replace(rule, "sys_mmap:", "sys_mmap2:", 1)
	}
	return rule
}

// several names the policy that large returns.
const several = "several programs"

// large is a policy whose one stage is longer than a program may be.
func large() string {
	var b strings.Builder
	for i := range 12 {
		fmt.Fprintf(&b, "nr(%d): arg0 in {", 1000+3*i)
		for k := range 450 {
			fmt.Fprintf(&b, "%#x, ", (k*k*k*31+i)<<(k%3*4))
		}
		b.WriteString("} && arg1 != 1\n")
	}
	return b.String()
}

// env are the values that only a process knows.
var env = stage.Env{"self.pid": 4711, "runtime.epollfd": 4, "runtime.eventfd": 5}

// planned works out the stages of a policy for the machine that the test runs on.
func planned(name, text string) (*stage.Plan, error) {
	f, err := rule.Parse(name, text)
	if err != nil {
		return nil, err
	}
	sets := runtimeset.For(runtimeset.Build{Arch: runtime.GOARCH})
	checked, err := policy.Check(f, policy.Target{Arch: kernel.Native(), Sets: sets})
	if err != nil {
		return nil, err
	}
	return stage.New(checked, env)
}

// A stack is programs in the order in which they are installed, and what they must amount to.
type stack struct {
	table *policy.Table
	progs []*filter.Program
}

// alone returns a stage as it is compiled where none came before.
func alone(p *stage.Plan, k int) (s stack, err error) {
	s.table = p.Stages[k].Table
	s.progs, err = filter.Compile(p.Filter(-1, k), filter.Options{})
	return s, err
}

// stacked returns the stages up to k, each compiled to follow the one before.
func stacked(p *stage.Plan, k int) (s stack, err error) {
	s.table = p.Stages[k].Table
	for to := range k + 1 {
		progs, err := filter.Compile(p.Filter(to-1, to), filter.Options{})
		if err != nil {
			return s, err
		}
		s.progs = append(s.progs, progs...)
	}
	return s, nil
}
