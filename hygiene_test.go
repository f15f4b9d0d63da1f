package seccomp_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/stagelock/seccomp"

// mayImport says which packages of this module each of its packages may import, beside those in internal/, which are
// for all. "*" is for programs, which may import any.
var mayImport = map[string][]string{
	"rule":        {},
	"proc":        {},
	"policy":      {"rule"},
	"filter":      {"policy", "rule"},
	"stage":       {"filter", "policy", "rule"},
	"lint":        {"stage", "policy", "rule"},
	"diff":        {"stage", "filter", "policy", "rule"},
	"runtimeset":  {"runtimeset/internal/compiled", "runtimeset/internal/derive", "policy", "rule"},
	"lock":        {"proc"},
	"launch":      {"filter", "policy"},
	"refusal":     {"policy"},
	".":           {"stage", "lock", "proc", "refusal", "runtimeset", "filter", "policy", "rule"},
	"dialect":     {"dialect", "dialect/internal/tree", "dialect/internal/dialecttest", "stage", "runtimeset", "policy", "rule"},
	"warm":        {},
	"seccomphttp": {"."},
	"seccompslog": {"."},
	"seccomptest": {".", "proc", "stage", "runtimeset", "filter", "policy", "rule"},
	"cmd":         {"*"},
	"examples":    {"*"},
	"integration": {"*"},
}

// outside says which modules a package's code, other than tests, may import beside the standard library.
func outside(pkg string) []string {
	switch top, _, _ := strings.Cut(pkg, "/"); {
	case top == "cmd" || top == "examples" || top == "integration":
		return []string{"golang.org/x/sys", "go.uber.org/zap"}
	case top == "dialect":
		return []string{"golang.org/x/sys", "go.yaml.in/yaml"}
	}
	return []string{"golang.org/x/sys"}
}

// A source is a parsed Go file of the module. Build constraints don't matter: all files are looked at.
type source struct {
	name string // its path in the module
	test bool
	*ast.File
	lines int
}

func (s source) pkg() string { return path.Dir(s.name) }

func (s source) imports() (paths []string) {
	for _, spec := range s.Imports {
		p, _ := strconv.Unquote(spec.Path.Value) // the parser has seen to it
		paths = append(paths, p)
	}
	return paths
}

// walk calls visit with every file of the module that a person could write, by its path in the module.
func walk(t *testing.T, visit func(name string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); base == "testdata" || len(base) > 1 && base[0] == '.' {
				return filepath.SkipDir
			}
			// A directory with a go.mod is another module.
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != "." {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !bytes.Contains(content, []byte{0}) { // a binary that was built here is nobody's text
			visit(filepath.ToSlash(name), content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sources(t *testing.T) (all []source) {
	t.Helper()
	files := token.NewFileSet()
	walk(t, func(name string, content []byte) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		f, err := parser.ParseFile(files, name, content, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{name, strings.HasSuffix(name, "_test.go"), f, strings.Count(string(content), "\n")})
	})
	if len(all) < 50 {
		t.Fatalf("only %d Go files found: does the test run in the module's root?", len(all))
	}
	return all
}

func TestImportsRunOneWay(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, imported := range s.imports() {
			switch ours, ok := strings.CutPrefix(imported, module); {
			case ok:
				if ours = strings.TrimPrefix(ours, "/"); ours == "" {
					ours = "."
				}
				if !allowed(s.pkg(), ours) {
					t.Errorf("%s imports %s, which mayImport does not allow", s.name, ours)
				}
			case strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
				if !slices.ContainsFunc(outside(s.pkg()), func(m string) bool { return strings.HasPrefix(imported, m+"/") || imported == m }) {
					t.Errorf("%s imports %s: the library needs no more than golang.org/x/sys", s.name, imported)
				}
			}
		}
	}
}

// allowed tells whether one package of the module may import another.
func allowed(pkg, imported string) bool {
	if strings.HasPrefix(pkg, "internal/") {
		// Only what lies in the same internal package's directory: its generator's parts. And the raw calls, which are
		// for all.
		top := strings.Join(strings.SplitN(pkg, "/", 3)[:2], "/")
		return imported == top || imported == "internal/sys" || strings.HasPrefix(imported, top+"/")
	}
	if strings.HasPrefix(imported, "internal/") {
		return true
	}
	top, _, _ := strings.Cut(pkg, "/")
	list := mayImport[top]
	return slices.Contains(list, "*") || slices.Contains(list, imported)
}

// A program that locks itself must not have to link what it doesn't use.
func TestRootReaches(t *testing.T) {
	for _, goos := range []string{"linux", "darwin"} {
		cmd := exec.Command("go", "list", "-deps", ".")
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=arm64", "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		if !slices.Contains(deps, module+"/policy") {
			t.Fatalf("%s: go list gave %q", goos, deps)
		}
		for _, d := range deps {
			switch {
			case slices.Contains([]string{"net", "net/http", "encoding/json", "testing", "flag", "log", "os/exec", "text/template"}, d),
				strings.Contains(d, "elastic"), strings.Contains(d, "zap"), strings.Contains(d, "yaml"), strings.HasPrefix(d, "golang.org/x/net"):
				t.Errorf("%s: the root package reaches %s", goos, d)
			}
		}
	}
}

func TestUnsafeIsInOnePlace(t *testing.T) {
	in := func(name string) bool { return strings.HasPrefix(name, "internal/sys/") }
	for _, s := range sources(t) {
		if !in(s.name) && slices.ContainsFunc(s.imports(), func(p string) bool { return p == "unsafe" || p == "C" }) {
			t.Errorf("%s imports unsafe or C: that is internal/sys's", s.name)
		}
	}
	walk(t, func(name string, _ []byte) {
		if strings.HasSuffix(name, ".s") && !in(name) {
			t.Errorf("%s is assembly: that is internal/sys's", name)
		}
	})
}

func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function: a program pays for it whether it locks or not", s.name)
			}
		}
	}
}

// longFiles are those that may have more lines than a person takes in, and why.
var longFiles = map[string]string{}

func TestFilesAreOneConcept(t *testing.T) {
	const limit = 450
	for _, s := range sources(t) {
		if s.lines > limit && !s.test && !ast.IsGenerated(s.File) && longFiles[s.name] == "" {
			t.Errorf("%s has %d lines: more than %d need a reason in longFiles", s.name, s.lines, limit)
		}
		if base := path.Base(s.name); strings.HasPrefix(base, "z") != ast.IsGenerated(s.File) {
			t.Errorf("%s: generated files, and no others, have names that begin with z", s.name)
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	words := []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "not " + "implemented", "un" + "implemented"}
	walk(t, func(name string, content []byte) {
		for i, line := range strings.Split(string(content), "\n") {
			for _, w := range words {
				if strings.Contains(line, w) {
					t.Errorf("%s:%d: %s", name, i+1, w)
				}
			}
		}
	})
}
