package policy

import (
	"os"
	"regexp"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
)

// Every call, argument and constant that the table of families speaks of exists somewhere.
func TestFamilies(t *testing.T) {
	known := func(name string) bool {
		for _, arch := range kernel.Names() {
			if _, ok := target(t, arch).Arch.Const(name); ok {
				return true
			}
		}
		return false
	}
	spoken := make(map[string]bool) // of call.argument
	for _, name := range kernel.Names() {
		for _, call := range target(t, name).Arch.Calls() {
			for _, arg := range call.Args() {
				f := families(call.Name, arg.Name)
				if f == nil {
					continue
				}
				spoken[call.Name+"."+arg.Name] = true
				names := f.names
				if f.zero != "" {
					names = append(names[:len(names):len(names)], f.zero)
				}
				for _, c := range names {
					if !known(c) {
						t.Errorf("%s.%s: there is no constant %s", call.Name, arg.Name, c)
					}
				}
			}
		}
	}
	source, err := os.ReadFile("families.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"(\w+\.\w+)"`).FindAllSubmatch(source, -1) {
		if !spoken[string(m[1])] {
			t.Errorf("no architecture has %s", m[1])
		}
	}
}
