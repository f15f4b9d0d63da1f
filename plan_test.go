package seccomp

import (
	"os"
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/stage"
)

// BenchmarkPlan measures what the first Lock works out before it installs anything: parse, check, plan and compile the
// example's policy, with both stages.
func BenchmarkPlan(b *testing.B) {
	text, err := os.ReadFile("examples/webserver/seccomp.policy")
	if err != nil {
		b.Fatal(err)
	}
	env := stage.Env{"self.pid": 1000, "runtime.epollfd": 4, "runtime.eventfd": 5}
	b.ReportAllocs()
	for range b.N {
		f, err := rule.Parse("seccomp.policy", text)
		if err != nil {
			b.Fatal(err)
		}
		checked, err := check(f)
		if err != nil {
			b.Fatal(err)
		}
		p, err := stage.New(checked, env)
		if err != nil {
			b.Fatal(err)
		}
		for to := range p.Stages {
			if _, err := filter.Compile(p.Filter(to-1, to), filter.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
