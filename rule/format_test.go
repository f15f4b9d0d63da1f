package rule

import (
	"os"
	"strings"
	"testing"
)

// TestRoundTrip: what Format writes is read as the same tree, and formatting it again changes nothing.
func TestRoundTrip(t *testing.T) {
	texts := samples(t)
	for _, name := range []string{"testdata/trees.golden"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split(string(b), "====\n") {
			text, _, _ := strings.Cut(c, "----\n")
			if !strings.HasPrefix(text, `"`) {
				texts[name+": "+text] = text
			}
		}
	}
	for name, text := range texts {
		f, err := Parse(name, text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		roundTrip(t, f)
	}
}

// roundTrip formats f and reads it back.
func roundTrip(t *testing.T, f *File) {
	t.Helper()
	text := Format(f)
	g, err := Parse(f.Name, text)
	if err != nil {
		t.Errorf("formatted, it can't be read: %v\n%s", err, text)
		return
	}
	if dump(f) != dump(g) {
		t.Errorf("formatted, it is another tree:\n%s\n%s\n%s", dump(f), text, dump(g))
	}
	if again := Format(g); again != text {
		t.Errorf("formatted twice:\n%s\nonce:\n%s", again, text)
	}
}

// TestFormat compares the formatted corpus with testdata/*.policy.fmt.
func TestFormat(t *testing.T) {
	for name, text := range samples(t) {
		f, err := Parse(name, text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		got := Format(f)
		if *update {
			if err := os.WriteFile(name+".fmt", []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name + ".fmt")
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is formatted as\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestFormatMadeTrees: trees that no text gave, as those of the decompiler, come out with the brackets they need.
func TestFormatMadeTrees(t *testing.T) {
	eq := func(arg string) Expr { return &Compare{Arg: Name{Text: arg}, X: &Number{Abs: 1}} }
	a, b, c := eq("a"), eq("b"), eq("c")
	id := func(s string) Value { return &Ident{Name: s} }
	for _, x := range []struct {
		expr Expr
		want string
	}{
		{&And{X: []Expr{a, &Or{X: []Expr{b, c}}}}, "a == 1 && (b == 1 || c == 1)"},
		{&And{X: []Expr{a, &And{X: []Expr{b, c}}}}, "a == 1 && (b == 1 && c == 1)"},
		{&Or{X: []Expr{a, &And{X: []Expr{b, c}}}}, "a == 1 || b == 1 && c == 1"},
		{&Or{X: []Expr{a, &Or{X: []Expr{b, c}}}}, "a == 1 || (b == 1 || c == 1)"},
		{&Not{X: a}, "!(a == 1)"},
		{&Not{X: &Not{X: &Or{X: []Expr{a, b}}}}, "!!(a == 1 || b == 1)"},
		{&Not{X: &Compare{Arg: Name{Text: "a"}, Mask: id("M"), X: id("V")}}, "!((a & M) == V)"},
		{&Bits{Arg: Name{Text: "a"}, Mask: &Join{X: []Value{id("M"), id("N")}}}, "a & (M|N)"},
		{&Bits{Arg: Name{Text: "a"}, Mask: &Complement{X: &Meet{X: []Value{id("M"), id("N")}}}}, "a & ~(M&N)"},
		{&Compare{Arg: Name{Text: "a"}, Op: Ge, X: &Join{X: []Value{id("M"), &Meet{X: []Value{id("N"), id("O")}}}}}, "a >= M|(N&O)"},
		{&In{Arg: Name{Text: "a"}, List: []Range{{Lo: &Number{Neg: true, Abs: 5}, Hi: id("M")}, {Lo: id("N")}}}, "a in {-5..M, N}"},
	} {
		if got := FormatExpr(x.expr); got != x.want {
			t.Errorf("got %s, want %s", got, x.want)
		}
		roundTripText(t, "sys_x: "+x.want+"\n")
	}
	if got, want := FormatAction(Action{Name: "errno", Errno: id("EPERM")}), "errno(EPERM)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := FormatValue(&Join{X: []Value{id("A"), &Complement{X: id("B")}}}), "A|~B"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// roundTripText demands that a text is formatted already.
func roundTripText(t *testing.T, text string) {
	t.Helper()
	f, err := Parse("", text)
	if err != nil {
		t.Error(err)
		return
	}
	if got := Format(f); got != text {
		t.Errorf("got\n%s\nwant\n%s", got, text)
	}
}

// TestDeepNesting: however deep an expression is, its lines don't start far to the right.
func TestDeepNesting(t *testing.T) {
	const levels = MaxDepth / 2
	text := strings.Repeat("argument == 1 || !(", levels) + "last == 1" + strings.Repeat(")", levels)
	f, err := Parse("", "sys_a: "+text)
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, f)
	for _, line := range strings.Split(Format(f), "\n") {
		if n := len(line) - len(strings.TrimLeft(line, " ")); n > maxIndent {
			t.Fatalf("a line is indented by %d", n)
		}
	}
}

// TestCommentsStayComments: whatever a made comment has in it, it doesn't become a statement.
func TestCommentsStayComments(t *testing.T) {
	for _, evil := range []string{"a\nsys_read: 1", "a\r\nsys_read: 1", "\x00\x1b[2J", "\xff", "a\u2028sys_read: 1", "\u202e", "# a", "   ", "! b"} {
		f := &File{Trailing: []string{evil}, Stmts: []Stmt{
			&Rule{Call: Call{Name: "close"}, Verdict: &Number{}, noted: noted{&aside{Comments: Comments{Before: []string{evil}, After: evil}}}},
		}}
		g, err := Parse("", Format(f))
		if err != nil {
			t.Errorf("%q: %v", evil, err)
		} else if len(g.Stmts) != 1 {
			t.Errorf("%q has become a statement:\n%s", evil, Format(f))
		}
	}
}
