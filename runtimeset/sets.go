package runtimeset

import (
	"embed"
	"sync"

	"github.com/stagelock/seccomp/rule"
)

//go:generate go run ./gen

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
	text   func(name string) (text string, ok bool)
	mu     sync.Mutex
	parsed map[string]*rule.File
}

// For returns the sets of a build, with the sentence on top of each and the reason behind each rule.
func For(b Build) *Sets { return &Sets{build: b, text: whole, parsed: make(map[string]*rule.File)} }

// Bare returns the sets of a build without sentences and reasons. It is what a program locks itself with: they mean
// the same, take half the time to read, and a program doesn't carry what nobody reads there.
func Bare(b Build) *Sets { return &Sets{build: b, text: stripped, parsed: make(map[string]*rule.File)} }

// whole returns a policy file as it was written.
func whole(name string) (text string, ok bool) {
	src, err := files.ReadFile(name + suffix)
	return string(src), err == nil
}

// stripped returns a policy file without its comments.
func stripped(name string) (text string, ok bool) {
	for i := range bare {
		if bare[i].name == name {
			return bare[i].text, true
		}
	}
	return "", false
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
	names := make([]string, 0, len(bare))
	for i := range bare {
		if name := bare[i].name; name != fallbacks && name != standard {
			names = append(names, name)
		}
	}
	return names
}

// Default returns the policy of a program that declares none, with the name that messages call it by.
func Default() (name, text string) {
	text, ok := stripped(standard)
	if !ok {
		bug("default.policy is missing")
	}
	return standard + suffix, text
}

// file returns a file, less what isn't for the build.
func (s *Sets) file(name string) (*rule.File, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.parsed[name]; ok {
		return f, true
	}
	text, ok := s.text(name)
	if !ok {
		return nil, false
	}
	f, err := rule.Parse(name+suffix, text)
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
