package runtimeset

import (
	"embed"
	"slices"
	"strings"
	"sync"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset/internal/compiled"
)

//go:generate go run ./gen

//go:embed *.policy
var files embed.FS

const suffix = ".policy"

// For returns the sets of a build as their files say them, with the sentence on top of each and the reason behind each
// rule. A program that locks itself carries them checked beforehand instead: see Native.
func For(b Build) *policy.Reader { return policy.Read(textsFor(b)) }

// texts are the files for one Build: a policy.Texts. A file is read when it is first asked for.
type texts struct {
	build  Build
	mu     sync.Mutex
	parsed map[string]*rule.File
}

func textsFor(b Build) *texts { return &texts{build: b, parsed: make(map[string]*rule.File)} }

// Text returns the file of a set; ok is false if there is none of that name. It must not be changed.
func (t *texts) Text(name string) (f *rule.File, ok bool) {
	if name+suffix == compiled.FallbackFile || name+suffix == compiled.PolicyFile {
		return nil, false
	}
	return t.file(name + suffix)
}

// FallbackText returns the file of the fallbacks. It must not be changed.
func (t *texts) FallbackText() *rule.File {
	f, ok := t.file(compiled.FallbackFile)
	if !ok {
		bug(compiled.FallbackFile + " is missing")
	}
	return f
}

// Names returns the names of all sets, in order.
func (t *texts) Names() []string {
	list, err := files.ReadDir(".")
	if err != nil {
		bug(err.Error())
	}
	names := make([]string, 0, len(list))
	for _, e := range list {
		if file := e.Name(); file != compiled.FallbackFile && file != compiled.PolicyFile {
			names = append(names, strings.TrimSuffix(file, suffix))
		}
	}
	slices.Sort(names) // file before file.io, whose files are the other way round
	return names
}

// file returns a file, less what isn't for the build.
func (t *texts) file(name string) (*rule.File, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, ok := t.parsed[name]; ok {
		return f, true
	}
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, false
	}
	f, err := rule.Parse(name, string(text))
	if err != nil {
		bug(err.Error())
	}
	kept := f.Stmts[:0]
	for i, constraint := range compiled.Constraints(f) {
		holds, ok := compiled.Holds(constraint, t.build.has)
		if !ok {
			bug(name + ": " + constraint + " is no build constraint")
		}
		if holds {
			kept = append(kept, f.Stmts[i])
		}
	}
	f.Stmts = kept
	t.parsed[name] = f
	return f, true
}

// bug marks what the tests of this package exclude.
func bug(msg string) { panic("runtimeset: bug: " + msg) }
