package rule

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fences returns the fenced blocks of docs/language.md that have this language.
func fences(t *testing.T, language string) []string {
	t.Helper()
	doc, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```(\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(doc), -1) {
		if m[1] == language {
			blocks = append(blocks, m[2])
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("docs/language.md has no block of %s", language)
	}
	return blocks
}

// TestReferencePolicies: each policy of the language reference can be read.
func TestReferencePolicies(t *testing.T) {
	for _, text := range fences(t, "policy") {
		if _, err := Parse("docs/language.md", text); err != nil {
			t.Errorf("%v\nin\n%s", err, text)
		}
	}
}

// TestReferenceErrors: the errors that the language reference shows are those that its example has.
func TestReferenceErrors(t *testing.T) {
	_, err := Parse("server.policy", fences(t, "policy-with-errors")[0])
	if want := strings.TrimSpace(fences(t, "text")[0]); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestReferenceGrammar: the grammar of the language reference has the words and operators of the parser, all of its
// productions are there, and each is used.
func TestReferenceGrammar(t *testing.T) {
	grammar := fences(t, "ebnf")[0]
	syntax, _, _ := strings.Cut(grammar, "\nname ")

	terminals := map[string]bool{}
	for _, m := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(syntax, -1) {
		terminals[m[1]] = true
	}
	want := slices.Concat(statements, actions, []string{"else", "if", "in", "including", "go", "nr", "sys_", OnNextSyscall, "0", "1"})
	for c, k := range kinds {
		if k > tGap && k < tNumber {
			want = append(want, string(rune(c)))
		}
	}
	for c, op := range pairs {
		if op.alone != tBad && op.alone != tAssign {
			want = append(want, string(rune(c)))
		}
		if op.second != 0 {
			want = append(want, string(rune(c))+string(rune(op.second)))
		}
	}
	for _, w := range want {
		if !terminals[w] {
			t.Errorf("the grammar has no %q", w)
		}
		delete(terminals, w)
	}
	for w := range terminals {
		t.Errorf("the parser has no %q", w)
	}

	defined := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+) +=`).FindAllStringSubmatch(grammar, -1) {
		defined[m[1]] = 0
	}
	bare := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(grammar, " ")
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(bare, -1) {
		if _, ok := defined[word]; !ok && word != "newline" {
			t.Errorf("the grammar doesn't say what %s is", word)
		}
		if word != "newline" {
			defined[word]++
		}
	}
	for word, n := range defined {
		if n < 2 && word != "File" {
			t.Errorf("the grammar doesn't use %s", word)
		}
	}
}
