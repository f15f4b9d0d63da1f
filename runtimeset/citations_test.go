package runtimeset_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/runtimeset/internal/derive"
)

// A citation is a file of Go's source in a reason. Functions of it may follow: runtime/os_linux.go:futexsleep,
// futexwakeup.
var (
	citation = regexp.MustCompile(`(?:^|[ (:;])([a-z]\w*(?:/\w+)*\.(?:go|s)\b|internal/runtime/\w+)`)
	function = regexp.MustCompile(`^(?::|, )(\w+)(?:$|[ ,;:)])`)
)

// home directories are those of files that are cited without one.
var dirs = []string{"runtime", "syscall", "internal/syscall/unix", "os"}

// A gosource is the source of a release.
type gosource struct {
	root  string
	texts map[string]string
}

// text returns the text of a file, or of all files of a directory; false if there is none.
func (s *gosource) text(name string) (string, bool) {
	if text, ok := s.texts[name]; ok {
		return text, text != ""
	}
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		for _, d := range dirs {
			candidates = append(candidates, path.Join(d, name))
		}
	}
	for _, c := range candidates {
		full := filepath.Join(s.root, "src", filepath.FromSlash(c))
		if path.Ext(name) == "" {
			full = filepath.Join(full, "*.go")
		}
		var all strings.Builder
		files, _ := filepath.Glob(full) // there is no error: the pattern is well formed
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				continue
			}
			all.Write(text)
		}
		if all.Len() > 0 {
			s.texts[name] = all.String()
			return all.String(), true
		}
	}
	s.texts[name] = ""
	return "", false
}

// check returns what is wrong with the citations of a reason.
func (s *gosource) check(why string) (wrong []string) {
	for _, at := range citation.FindAllStringSubmatchIndex(why, -1) {
		file, rest := why[at[2]:at[3]], why[at[3]:]
		text, ok := s.text(file)
		if !ok {
			wrong = append(wrong, "there is no "+file)
			continue
		}
		if !strings.HasPrefix(rest, ":") {
			continue
		}
		for m := function.FindStringSubmatch(rest); m != nil; m = function.FindStringSubmatch(rest) {
			if name := m[1]; !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\b|^TEXT [^\n]*·` + name + `\b|^(var |\t)` + name + `\b`).MatchString(text) {
				wrong = append(wrong, file+" has no "+name)
			}
			rest = rest[len(m[1])+strings.Index(rest, m[1]):]
		}
	}
	return wrong
}

// TestCitations: the files and functions that reasons cite are there, in the newest release that the rule is for. Only
// releases whose source is here are looked at: the installed one always is.
func TestCitations(t *testing.T) {
	all := pinned(t)
	seen := make(map[string]bool)
	for i := len(all) - 1; i >= 0; i-- {
		tool, err := derive.Find(all[i].Version)
		if err != nil {
			if tool, err = derive.Installed(); err != nil || !strings.HasPrefix(tool.Version, all[i].Version[:len("1.26")]+".") {
				continue
			}
		}
		source := &gosource{root: tool.Root, texts: make(map[string]string)}
		if _, ok := source.text("runtime/os_linux.go"); !ok {
			continue
		}
		for _, arch := range derive.Arches {
			for _, cgo := range []bool{false, true} {
				b := runtimeset.Build{Arch: arch, Go: all[i].Version, Cgo: cgo}
				p := check(t, b, "all.policy", useAll(b))
				rules := p.Fallbacks
				for _, s := range setsOf(p) {
					rules = append(rules[:len(rules):len(rules)], s.Rules...)
				}
				for _, r := range rules {
					place := fmt.Sprintf("%s:%d", r.Origin.File, r.Origin.Line)
					if seen[place] {
						continue
					}
					seen[place] = true
					if foreign(r.Origin) {
						continue
					}
					for _, wrong := range source.check(r.Origin.Why) {
						t.Errorf("%s: %s: go%s: %s (%s)", place, r.Name, tool.Version, wrong, r.Origin.Why)
					}
				}
			}
		}
	}
	if len(seen) < 100 {
		t.Skipf("%d rules were looked at: the source of the releases is not here", len(seen))
	}
}

// foreign tells whether a reason cites what is no part of Go.
func foreign(o *policy.Origin) bool {
	return strings.Contains(o.Why, "golang.org/x/") || strings.Contains(o.Why, "lock.") || strings.Contains(o.Why, "lock/")
}

func TestWrongCitationsAreFound(t *testing.T) {
	source := &gosource{root: t.TempDir(), texts: map[string]string{"os/file.go": "func (f *File) Read() {}\nfunc open() {}\n", "os/none.go": ""}}
	for why, want := range map[string]int{
		"os.File.Read: os/file.go:Read, open":        0,
		"os/file.go:Read, and more of it":            1, // "and" would be a function
		"os/file.go:Write":                           1,
		"why (os/file.go:Read), os/none.go:Read":     1,
		"/etc/x.so, glibc nss/x.c:f, os/file.go too": 0,
	} {
		if got := source.check(why); len(got) != want {
			t.Errorf("%q: %q, want %d", why, got, want)
		}
	}
}
