package policy

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/rule"
)

var update = flag.Bool("update", false, "write what is found into the golden files")

const brokenFile = "testdata/broken.txt"

// A broken text and what is said about it: in the file a line === NAME, the text, a line ---, the messages. Notes
// count as messages that begin with `note`.
type broken struct{ name, text, want string }

func readBroken(t testing.TB) []broken {
	t.Helper()
	data, err := os.ReadFile(brokenFile)
	if err != nil {
		t.Fatal(err)
	}
	var list []broken
	for _, part := range strings.Split(string(data), "=== ")[1:] {
		name, rest, ok := strings.Cut(part, "\n")
		text, want, ok2 := strings.Cut(rest, "---\n")
		if !ok || !ok2 {
			t.Fatalf("%s: the case %q has no ---", brokenFile, name)
		}
		list = append(list, broken{name, text, want})
	}
	return list
}

// said is what is said about a text, a line each.
func said(t testing.TB, text string) string {
	t.Helper()
	p, err := check(t, text)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, n := range p.Notes {
		b.WriteString("note " + n.File + ":" + n.Pos.String() + ": " + n.Text + "\n")
	}
	return b.String()
}

func TestBrokenTexts(t *testing.T) {
	list := readBroken(t)
	if len(list) < 60 {
		t.Errorf("only %d texts", len(list))
	}
	var b strings.Builder
	for _, x := range list {
		got := said(t, x.text)
		if *update {
			b.WriteString("=== " + x.name + "\n" + x.text + "---\n" + got)
			continue
		}
		if diff := cmp.Diff(x.want, got); diff != "" || got == "" {
			t.Errorf("%s:\n%s(-want +got)\n%s", x.name, x.text, diff)
		}
	}
	if *update {
		if err := os.WriteFile(brokenFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Every message must lead to a place in the text, and to a class.
func TestErrorsHavePlaceAndClass(t *testing.T) {
	for _, x := range readBroken(t) {
		_, err := check(t, x.text)
		if err == nil {
			continue
		}
		var list rule.Errors
		if !errors.As(err, &list) {
			t.Errorf("%s: the error is a %T", x.name, err)
			continue
		}
		lines := strings.Split(x.text, "\n")
		for _, e := range list {
			if e.Class == nil || !errors.Is(err, e.Class) {
				t.Errorf("%s: %v: no class", x.name, e)
			}
			if e.Line < 1 || int(e.Line) > len(lines) || e.Col < 1 || int(e.Col) > len(lines[e.Line-1])+1 {
				t.Errorf("%s: %v: no such place", x.name, e)
			}
		}
	}
}
