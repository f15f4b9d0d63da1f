package seccomp_test

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// papers are the texts that people read.
func papers(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	walk(t, func(name string, content []byte) {
		if strings.HasSuffix(name, ".md") {
			texts[name] = string(content)
		}
	})
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md",
		"docs/language.md", "docs/threat-model.md", "docs/onboarding.md"} {
		if texts[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	return texts
}

func TestReadmeIsShort(t *testing.T) {
	if lines := strings.Count(papers(t)["README.md"], "\n"); lines >= 150 {
		t.Errorf("README.md has %d lines", lines)
	}
}

// snippet matches a block of code, and the file it is said to be from: <!-- FILE --> stands on the line before.
var snippet = regexp.MustCompile("(?ms)^(?:<!-- (\\S+) -->\n)?```(\\w+)\n(.*?)^```$")

// Go code and policies in the papers are parts of files that are compiled and run. The language reference's are
// checked by package rule.
func TestSnippetsAreReal(t *testing.T) {
	checked := 0
	for name, text := range papers(t) {
		if name == "docs/language.md" {
			continue
		}
		for _, m := range snippet.FindAllStringSubmatch(text, -1) {
			file, kind, code := m[1], m[2], m[3]
			if file == "" {
				if kind == "go" || kind == "policy" {
					t.Errorf("%s: the line before this %s code doesn't say what file it is from:\n%s", name, kind, code)
				}
				continue
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			// Parts that are left out are shown as a line with an ellipsis.
			rest := string(content)
			for _, part := range regexp.MustCompile(`(?m)^\s*…\n`).Split(code, -1) {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Errorf("%s: %s has not, in this place,\n%s", name, file, part)
				}
				rest = after
			}
			checked++
		}
	}
	if checked == 0 {
		t.Error("no snippet was found")
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
	for name, text := range papers(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(path.Dir(name), m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// tests returns the names of all tests and fuzz targets, as directory.TestName; the root directory is seccomp.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, s := range sources(t) {
		for _, d := range s.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				names[strings.Replace(s.pkg()+".", "..", "seccomp.", 1)+f.Name.Name] = true
			}
		}
	}
	return names
}

// Each promise of the threat model, a row of a table, names the tests that show it: `directory.TestName`.
func TestPromisesAreTested(t *testing.T) {
	text := papers(t)["docs/threat-model.md"]
	_, text, _ = strings.Cut(text, "\n## What is promised\n")
	promised, _, _ := strings.Cut(text, "\n## ")
	exists := tests(t)
	name := regexp.MustCompile("`([\\w./]+\\.(?:Test|Fuzz)\\w+)`")
	rows := 0
	for _, line := range strings.Split(promised, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| promise") {
			continue
		}
		rows++
		found := name.FindAllStringSubmatch(line, -1)
		if len(found) == 0 {
			t.Errorf("this promise names no test:\n%s", line)
		}
		for _, m := range found {
			if !exists[m[1]] {
				t.Errorf("there is no test %s, which this promise rests on:\n%s", m[1], line)
			}
		}
	}
	if rows < 10 {
		t.Errorf("%d promises found", rows)
	}
}

// Each test that a paper names exists: `directory.TestName`, or `TestName` where the directory is clear.
func TestNamedTestsExist(t *testing.T) {
	known := make(map[string]bool)
	for name := range tests(t) {
		known[name], known[name[strings.LastIndex(name, ".")+1:]] = true, true
	}
	for _, dir := range []string{"integration/peers", "integration/programs"} { // modules of their own
		files, err := filepath.Glob(dir + "/*_test.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no tests: %v", dir, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(content, -1) {
				known[dir+"."+string(m[1])] = true
			}
		}
	}
	name := regexp.MustCompile("`((?:[\\w./]+\\.)?(?:Test|Fuzz)[A-Z]\\w*)`")
	found := 0
	for paper, text := range papers(t) {
		for _, m := range name.FindAllStringSubmatch(text, -1) {
			if found++; !known[m[1]] {
				t.Errorf("%s names %s: there is no such test", paper, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("%d names of tests found", found)
	}
}

// The change log names what the root package exports, so that nothing comes or goes unsaid.
func TestChangeLogNamesTheAPI(t *testing.T) {
	log := papers(t)["CHANGELOG.md"]
	for _, s := range sources(t) {
		if s.pkg() != "." || s.test {
			continue
		}
		for name, object := range s.Scope.Objects { // functions, types, constants and variables
			if object.Kind != ast.Bad && ast.IsExported(name) && !regexp.MustCompile(`\b`+name+`\b`).MatchString(log) {
				t.Errorf("CHANGELOG.md does not name %s", name)
			}
		}
	}
}
