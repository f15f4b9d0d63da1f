package rule

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before committing it")

// TestTrees compares what good texts are read as with testdata/trees.golden.
func TestTrees(t *testing.T) {
	golden(t, "testdata/trees.golden", func(src string) string {
		f, err := Parse("", src)
		if err != nil {
			return "ERROR " + err.Error()
		}
		return dump(f)
	})
}

// TestErrors compares the messages about broken texts with testdata/errors.golden, and demands that each is of the
// right type and class.
func TestErrors(t *testing.T) {
	n := 0
	golden(t, "testdata/errors.golden", func(src string) string {
		n++
		f, err := Parse("", src)
		if err == nil {
			return "NO ERROR"
		}
		var list Errors
		var first *Error
		if !errors.As(err, &list) || !slices.Equal(list, f.Mistakes) || !errors.As(err, &first) || first != list[0] || !errors.Is(err, ErrSyntax) {
			t.Errorf("%q gives the error %#v", src, err)
		}
		return err.Error()
	})
	if n < 40 {
		t.Errorf("only %d broken texts are tried", n)
	}
}

// golden calls result for each text of a golden file: texts and results follow each other, a line `----` behind each
// text and a line `====` behind each result. A text that begins with a quote is a Go string.
func golden(t *testing.T, name string, result func(string) string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, c := range strings.Split(strings.TrimSuffix(string(data), "====\n"), "====\n") {
		text, want, _ := strings.Cut(c, "----\n")
		src := text
		if strings.HasPrefix(text, `"`) {
			if src, err = strconv.Unquote(strings.TrimSuffix(text, "\n")); err != nil {
				t.Fatalf("%s: %s: %v", name, text, err)
			}
		}
		got := strings.TrimSuffix(result(src), "\n") + "\n"
		if got != want && !*update {
			t.Errorf("%s:\n%s\ngot\n%s\nwant\n%s", name, text, got, want)
		}
		out.WriteString(text + "----\n" + got + "====\n")
	}
	if *update {
		if err := os.WriteFile(name, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// dump returns a tree without its positions, a line for each statement.
func dump(f *File) string {
	var b strings.Builder
	for _, s := range f.Stmts {
		node(&b, reflect.ValueOf(s))
		b.WriteByte('\n')
	}
	if f.Trailing != nil {
		fmt.Fprintf(&b, "Trailing %q\n", f.Trailing)
	}
	return b.String()
}

// node writes the fields of a node that are not zero, but for places.
func node(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		node(b, v.Elem())
	case reflect.Struct:
		b.WriteString(v.Type().Name() + "{")
		if v.Type() == reflect.TypeFor[Number]() {
			number(b, v)
		} else {
			fields(b, v, "")
		}
		b.WriteByte('}')
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			node(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	default:
		fmt.Fprint(b, v)
	}
}

// number writes a number with its text, which its fields make up.
func number(b *strings.Builder, v reflect.Value) {
	field := func(name string) uint64 { return v.FieldByName(name).Uint() }
	n := Number{
		Abs: field("Abs"), zeros: uint32(field("zeros")), capitals: uint16(field("capitals")), prefix: prefix(field("prefix")),
	}
	fmt.Fprintf(b, "Text %q", n.Text())
	if v.FieldByName("Neg").Bool() {
		b.WriteString(", Neg true")
	}
	if n.Abs != 0 {
		fmt.Fprintf(b, ", Abs %d", n.Abs)
	}
}

// fields writes the fields of a node. What a statement keeps aside, because few have it, counts as the statement's.
func fields(b *strings.Builder, v reflect.Value, sep string) {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if f.Type() == reflect.TypeFor[Pos]() || f.IsZero() {
			continue
		}
		if f.Type() == reflect.TypeFor[noted]() {
			aside := f.Field(0).Elem()
			if rest := aside.FieldByName("rest"); !rest.IsNil() {
				defer fields(b, rest.Elem(), ", ")
			}
			if f, name = aside.FieldByName("Comments"), "Comments"; f.IsZero() {
				continue
			}
		}
		b.WriteString(sep + name + " ")
		node(b, f)
		sep = ", "
	}
}
