package lint

import (
	_ "embed"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

//go:embed risks.policy
var risksText string

// risksOn returns the risks as a set: what it allows is one, for the reason in the comment.
func risksOn(arch *kernel.Arch) *policy.Set {
	s, err := policy.Read(risksFile{}).Set("risks", arch)
	if err != nil {
		panic(err) // a test checks the file for every architecture
	}
	return s
}

// risksFile is the library of that one set.
type risksFile struct{}

func (risksFile) Text(name string) (*rule.File, bool) {
	f, err := rule.Parse("risks.policy", risksText)
	if err != nil {
		panic(err)
	}
	return f, name == "risks"
}

func (risksFile) Names() []string { return []string{"risks"} }

func (risksFile) FallbackText() *rule.File { return new(rule.File) }
