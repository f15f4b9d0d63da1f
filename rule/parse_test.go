package rule

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// corpus returns the texts of testdata, by name.
func samples(t testing.TB) map[string]string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.policy")
	if err != nil || len(names) < 5 {
		t.Fatalf("the corpus is missing: %v, %v", names, err)
	}
	texts := make(map[string]string)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(b)
	}
	return texts
}

// TestPositions names the places of a text's nodes: package policy tells its mistakes by them.
func TestPositions(t *testing.T) {
	f, err := Parse("x.policy", "\ufeffdeny errno(EPERM)\nset s {\n  sys_read: (fd & 3) == -1 || n in {1, 2..3} else kill if\n    fd == ~A including go\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "x.policy" {
		t.Errorf("the file is named %q", f.Name)
	}
	deny, set := f.Stmts[0].(*Deny), f.Stmts[1].(*Set)
	r := set.Body[0].(*Rule)
	or := r.Verdict.(*Or)
	compare, in := or.X[0].(*Compare), or.X[1].(*In)
	last := r.Rest().Else[0].If.(*Compare)
	for _, c := range []struct {
		what string
		got  Pos
		want Pos
	}{
		{"deny", deny.Pos, Pos{1, 1}},
		{"its action", deny.Action.Pos, Pos{1, 6}},
		{"its errno", deny.Action.Errno.Start(), Pos{1, 12}},
		{"set", set.Start(), Pos{2, 1}},
		{"its name", set.Name.Pos, Pos{2, 5}},
		{"its end", set.End, Pos{5, 1}},
		{"rule", r.Pos, Pos{3, 3}},
		{"or", or.Pos, Pos{3, 13}},
		{"masked comparison", compare.Pos, Pos{3, 13}},
		{"argument", compare.Arg.Pos, Pos{3, 14}},
		{"mask", compare.Mask.Start(), Pos{3, 19}},
		{"negative number", compare.X.Start(), Pos{3, 25}},
		{"in", in.Pos, Pos{3, 31}},
		{"range", in.List[1].Lo.Start(), Pos{3, 40}},
		{"end of range", in.List[1].Hi.Start(), Pos{3, 43}},
		{"else", r.Rest().Else[0].Pos, Pos{3, 46}},
		{"if", last.Pos, Pos{4, 5}},
		{"complement", last.X.Start(), Pos{4, 11}},
		{"including", r.Rest().GoPos, Pos{4, 14}},
	} {
		if c.got != c.want {
			t.Errorf("%s is at %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestParseBytes(t *testing.T) {
	f, err := Parse("x", []byte("read: 1"))
	if err != nil || len(f.Stmts) != 1 {
		t.Errorf("got %v, %v", f, err)
	}
}

func TestParseValue(t *testing.T) {
	for text, want := range map[string]string{
		"-1": "-1", " 0x1f ": "0x1f", "A|B": "A|B", "A & ~(B|C)": "(A&~(B|C))", "(A)": "A", "self.pid": "self.pid",
	} {
		v, err := ParseValue("x", text)
		if err != nil {
			t.Error(err)
		} else if got := FormatValue(v); got != want {
			t.Errorf("%q is read as %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":        "x:1:1: found the end of the text, expected a number or a constant",
		"A B":     `x:1:3: found "B", expected the end of the value`,
		"A else":  `x:1:3: found "else", expected the end of the value`,
		"A;":      `x:1:2: found ";", expected the end of the value`,
		"A|":      "x:1:3: found the end of the text, expected a number or a constant",
		"A # c":   "x:1:1: found a comment in a value, which has none",
		"A\nB":    "x:1:2: found the end of the line, expected the end of the value",
		"A)":      `x:1:2: found ")", expected the end of the value`,
		"A == 1":  `x:1:3: found "==", expected the end of the value`,
		"1..2":    `x:1:2: found "..", expected the end of the value`,
		"\"A\"":   `x:1:1: found a quote ("): names are written without quotes`,
		"sys_a:0": `x:1:6: found ":", expected the end of the value`,
	} {
		v, err := ParseValue("x", text)
		if v != nil || err == nil || err.Error() != want {
			t.Errorf("%q gives %v, %v, want %s", text, v, err, want)
		}
	}
}

func TestErrorNamesTheFile(t *testing.T) {
	_, err := Parse("server.policy", "\n\n  sage init\nuse 5\n")
	want := "server.policy:3:3: unknown statement \"sage\": did you mean \"stage\"?\n" +
		"server.policy:4:5: found \"5\", expected the name of a set"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestTooLarge(t *testing.T) {
	if _, err := Parse("x", strings.Repeat("\n", MaxSize)); err != nil {
		t.Errorf("a text of MaxSize: %v", err)
	}
	_, err := Parse("x", strings.Repeat("\n", MaxSize+1))
	want := "x:1:1: the text has 1048577 bytes, and a policy at most 1048576"
	if !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrSyntax) || err.Error() != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

// TestManyErrors: after 50 errors a line says that there are more.
func TestManyErrors(t *testing.T) {
	_, err := Parse("x", strings.Repeat("sage init\n", 1000))
	var list Errors
	if !errors.As(err, &list) || len(list) != maxErrors+1 {
		t.Fatalf("got %d errors", len(list))
	}
	if got, want := list[maxErrors].Error(), "x:51:1: there are more than 50 errors: the rest is not told"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := Parse("x", strings.Repeat("sage init\n", maxErrors)); len(err.(Errors)) != maxErrors {
		t.Errorf("50 errors give %d", len(err.(Errors)))
	}
}

// TestDepth: 200 brackets are read, one more is an error with its place.
func TestDepth(t *testing.T) {
	for _, c := range []struct {
		what, before, in, behind string
	}{
		{"condition", "(", "x == 1", ")"},
		{"negation", "!", "(x == 1)", ""},
		{"value", "x == (", "1", ")"},
		{"complement", "~", "1", ""},
	} {
		build := func(n int) string {
			text := strings.Repeat(c.before, n) + c.in + strings.Repeat(c.behind, n)
			switch c.what {
			case "value":
				text = "x == " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n)
			case "complement":
				text = "x == " + text
			}
			return "sys_a: " + text
		}
		fits := MaxDepth
		if c.what == "negation" { // its brackets count too
			fits--
		}
		f, err := Parse("x", build(fits))
		if err != nil {
			t.Errorf("%s, %d deep: %v", c.what, fits, err)
			continue
		}
		if _, err := Parse("x", Format(f)); err != nil {
			t.Errorf("%s, formatted: %v", c.what, err)
		}
		_, err = Parse("x", build(fits+1))
		if err == nil || !strings.HasSuffix(err.Error(), ": nested more than 200 deep") {
			t.Errorf("%s, %d deep: got %v", c.what, fits+1, err)
		}
	}
}

// checkPlaces demands that all places of err are in src, in order, and that the messages are short.
func checkPlaces(t *testing.T, src string, err error) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(src, "\ufeff"), "\n")
	list := err.(Errors)
	for i, e := range list {
		if e.Line < 1 || int(e.Line) > len(lines) || e.Col < 1 || int(e.Col) > len(lines[e.Line-1])+1 {
			t.Errorf("%v is not in the text", e)
		}
		if len(e.Msg) > 500 {
			t.Errorf("a message of %d bytes", len(e.Msg))
		}
		if i > 0 && (e.Line < list[i-1].Line || e.Line == list[i-1].Line && e.Col < list[i-1].Col) {
			t.Errorf("%v stands behind %v", e, list[i-1])
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"stage", "use", "AF_INET6", "AF_INET", "openat", "openat2", "else", "fd", "go"}
	for word, want := range map[string]string{
		"sage": "stage", "satge": "stage", "stagee": "stage", "af_inet": "AF_INET", "AF_INET5": "AF_INET", "opneat": "openat",
		"els": "else", "elsif": "", "df": "fd", "x": "", "": "", "something": "", "us": "use", "use": "", strings.Repeat("a", 1000): "",
	} {
		for range 2 {
			if got := Nearest(word, slices.Values(words)); got != want {
				t.Errorf("the nearest to %q is %q, want %q", word, got, want)
			}
			slices.Reverse(words) // the order must not matter
		}
	}
	if got, want := DidYouMean("sage", slices.Values(words)), `: did you mean "stage"?`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for text.Len() == 0 || strings.Count(text.String(), "\n") < 300 {
		text.WriteString("    sys_openat: (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY  # files are only read\n" +
			"    sys_socket: family in {AF_INET, AF_INET6} else errno(EAFNOSUPPORT)\n    sys_read: 1\n    sys_close: 1\n")
	}
	src := text.String()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for range b.N {
		if _, err := Parse("x", src); err != nil {
			b.Fatal(err)
		}
	}
}
