package runtimeset

import (
	"embed"
	"slices"
	"strings"
	"sync"

	"github.com/stagelock/seccomp/rule"
)

//go:embed *.policy
var files embed.FS

const (
	suffix    = ".policy"
	fallbacks = "fallbacks" // two files that are no sets
	standard  = "default"
)

// Sets are the built-in sets for one Build: a policy.Library. A file is read when it is first asked for.
type Sets struct {
	build  Build
	mu     sync.Mutex
	parsed map[string]*rule.File
}

// For returns the sets of a build.
func For(b Build) *Sets {
	return &Sets{build: b, parsed: make(map[string]*rule.File)}
}

// Build returns what the sets were chosen for.
func (s *Sets) Build() Build { return s.build }

// Set returns the rules of a set; ok is false if there is none of that name. The file must not be changed.
func (s *Sets) Set(name string) (f *rule.File, ok bool) {
	if name == fallbacks || name == standard {
		return nil, false
	}
	return s.file(name)
}

// Fallbacks returns the rules that say which errno a refused call gets where Go or libc have another way that only a
// certain errno takes. The file must not be changed.
func (s *Sets) Fallbacks() *rule.File {
	f, ok := s.file(fallbacks)
	if !ok {
		bug("fallbacks.policy is missing")
	}
	return f
}

// Names returns the names of all sets, in order.
func (s *Sets) Names() []string {
	list, err := files.ReadDir(".")
	if err != nil {
		bug(err.Error())
	}
	names := make([]string, 0, len(list))
	for _, e := range list {
		if name := strings.TrimSuffix(e.Name(), suffix); name != fallbacks && name != standard {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Default returns the policy of a program that declares none, with the name that messages call it by.
func Default() (name, text string) {
	name = standard + suffix
	src, err := files.ReadFile(name)
	if err != nil {
		bug(err.Error())
	}
	return name, string(src)
}

// file returns a file, less what isn't for the build.
func (s *Sets) file(name string) (*rule.File, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.parsed[name]; ok {
		return f, true
	}
	src, err := files.ReadFile(name + suffix)
	if err != nil {
		return nil, false
	}
	f, err := rule.Parse(name+suffix, src)
	if err != nil {
		bug(err.Error())
	}
	if err := s.build.choose(f); err != nil {
		bug(err.Error())
	}
	s.parsed[name] = f
	return f, true
}

// bug marks what the tests of this package exclude.
func bug(msg string) { panic("runtimeset: bug: " + msg) }
