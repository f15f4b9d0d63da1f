package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// table prints what each stage of each program leaves.
func table(w io.Writer, chosen []program) error {
	fmt.Fprintf(w, "| program | stage | calls allowed, of %d | of these for the runtime alone | dangerous calls open, of %d | can still |\n",
		kernel.Native().Len(), known(kernel.Native()))
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, p := range chosen {
		plan, err := plan(p)
		if err != nil {
			return err
		}
		for i := range plan.Stages {
			s := &plan.Stages[i]
			allowed, _ := s.Counts()
			fmt.Fprintf(w, "| %s | %s | %d | %d | %s | %s |\n", p.name, s.Name, allowed, runtimeOnly(s),
				counted(open(s)), cmp.Or(strings.Join(able(s), ", "), "use what is open"))
		}
	}
	return nil
}

// counted says how many there are, and which.
func counted(names []string) string {
	if len(names) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d: %s", len(names), strings.Join(names, ", "))
}

// plan works out the stages of a program, as the program itself does.
func plan(p program) (*stage.Plan, error) {
	file := p.policyFile()
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return planned(file, string(text), stage.Env{"self.pid": uint64(os.Getpid()), "runtime.epollfd": 4, "runtime.eventfd": 5})
}

// planned works out the stages of a policy for a program without cgo.
func planned(file, text string, env stage.Env) (*stage.Plan, error) {
	tree, err := rule.Parse(file, text)
	if err != nil {
		return nil, err
	}
	build := runtimeset.Running()
	build.Cgo = false
	checked, err := policy.Check(tree, policy.Target{Arch: kernel.Native(), Sets: runtimeset.For(build)})
	if err != nil {
		return nil, err
	}
	return stage.New(checked, env)
}
