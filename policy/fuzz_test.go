package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/internal/corpus"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// FuzzCheck looks that no text makes Check panic, that its mistakes have a place in the text, and that what it
// accepts is as the types promise.
func FuzzCheck(f *testing.F) {
	corpus.AddStrings(f)
	for _, x := range readBroken(f) {
		f.Add(x.text)
	}
	f.Add("use all\ndrop net\nsys_mmap: prot in {0..3} && (flags & 0x20) in {0, MAP_ANONYMOUS} else trap if fd != -1\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, torn := rule.Parse("p", text)
		if file == nil {
			return
		}
		for _, arch := range []string{"amd64", "arm"} {
			p, err := Check(file, target(t, arch))
			if torn != nil && err == nil {
				t.Fatal("taken in spite of mistakes of grammar")
			}
			if err != nil {
				placed(t, text, err)
				continue
			}
			for i := range p.Stages {
				promised(t, p.Arch, &p.Stages[i])
			}
		}
	})
}

// placed looks that every mistake has its place in the text.
func placed(t *testing.T, text string, err error) {
	t.Helper()
	var list rule.Errors
	if !errors.As(err, &list) {
		t.Fatalf("the error is a %T", err)
	}
	lines := strings.Split(text, "\n")
	for _, e := range list {
		if e.Line < 1 || int(e.Line) > len(lines) || e.Col < 1 || int(e.Col) > len(lines[e.Line-1])+1 || e.File != "p" {
			t.Fatalf("%v: no such place", e)
		}
	}
}

func promised(t *testing.T, arch *kernel.Arch, s *Stage) {
	t.Helper()
	for i, r := range s.Rules {
		if i > 0 && s.Rules[i-1].Nr >= r.Nr {
			t.Fatalf("stage %s: rules out of order", s.Name)
		}
		if r.Allow == nil || r.Origin == nil {
			t.Fatalf("stage %s: rule %d is not filled in", s.Name, r.Nr)
		}
		if _, constant := r.Allow.(Const); !constant {
			if truth, err := TruthOf(r.Allow); truth != Sometimes || err != nil {
				t.Fatalf("stage %s: rule %d is constant: %v, %v", s.Name, r.Nr, truth, err)
			}
			readsBack(t, arch, &r)
		}
		for _, c := range r.Else {
			if c.If == nil || c.Origin == nil || c.Action.Kind == Allow {
				t.Fatalf("stage %s: rule %d has an else that is not filled in", s.Name, r.Nr)
			}
		}
	}
}

// readsBack looks that the condition of a rule can be said in the language, and means the same again.
func readsBack(t *testing.T, arch *kernel.Arch, r *Rule) {
	t.Helper()
	var call *kernel.Call
	name := fmt.Sprintf("nr(%d)", r.Nr)
	if c, ok := arch.CallNr(r.Nr); ok {
		call, name = &c, "sys_"+c.Name
	}
	x, err := Express(r.Allow, call, arch)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	text := name + ": " + rule.FormatExpr(x) + "\n"
	f, err := rule.Parse("again", text)
	if err != nil {
		t.Fatalf("%s%v", text, err)
	}
	p, err := Check(f, Target{Arch: arch, Sets: Read(library)})
	if errors.Is(err, bdd.ErrTooComplex) {
		return
	}
	if err != nil {
		t.Fatalf("%s%v", text, err)
	}
	d := NewDecider(1 << 18)
	if a, b := d.Cond(r.Allow), d.Cond(p.Stages[0].Rules[0].Allow); a != b && d.Err() == nil {
		t.Fatalf("%sis not %#v", text, r.Allow)
	}
}

// big returns a text of about a mebibyte made of pieces.
func big(piece func(i int) string) string {
	var b strings.Builder
	for i := 0; b.Len() < rule.MaxSize-20000; i++ {
		b.WriteString(piece(i))
	}
	return b.String()
}

// Sizes that nobody writes must neither panic nor hang. How long they take is in BenchmarkCheckBig: here only that
// the work stays within its budget, for which the test's own time limit stands.
var bigTexts = map[string]func() string{
	"unknown calls": func() string {
		return big(func(i int) string { return fmt.Sprintf("sys_qread%d: fdd == AF_INETT\n", i) })
	},
	"unknown constants": func() string {
		return big(func(i int) string { return fmt.Sprintf("nr(%d): arg0 == PROT_REED%d\n", 5000+i, i) })
	},
	"numbers": func() string {
		return big(func(i int) string { return fmt.Sprintf("nr(%d): arg0 in {%d, %d} && arg1 != 7\n", 5000+i, i, i+2) })
	},
	"one list": func() string {
		return "sys_write: fd in {" + big(func(i int) string { return fmt.Sprintf("%d, ", 3*i) }) + "7}\n"
	},
	"one disjunction": func() string {
		return "sys_mmap: " + big(func(i int) string { return fmt.Sprintf("len == %d && off != %d || ", i, i) }) + "len == 0\n"
	},
	"one conjunction": func() string {
		return "sys_mmap: " + big(func(i int) string { return fmt.Sprintf("len != %d && ", i) }) + "len != 0\n"
	},
	"undecidable": func() string {
		return big(func(i int) string {
			s := fmt.Sprintf("nr(%d): ", 5000+i)
			var parts []string
			for bit := range 40 {
				parts = append(parts, fmt.Sprintf("(arg0 & %d) == 0 && (arg1 & %[1]d) != 0", uint64(1)<<bit))
			}
			equal := strings.Join(parts, " || ")
			return s + "(" + equal + ") || !(" + equal + ")\n"
		})
	},
	"chain of sets": func() string {
		return "use s0\n" + big(func(i int) string { return fmt.Sprintf("set s%d { use s%d }\n", i, i+1) })
	},
	"stages": func() string {
		return big(func(i int) string { return fmt.Sprintf("stage s%d\nuse file\nsys_read: fd == %d\n", i, i) })
	},
	"all in every stage": func() string {
		return big(func(i int) string { return fmt.Sprintf("stage s%d\nuse all\n", i) })
	},
	"brackets": func() string {
		n := rule.MaxDepth / 2 // each is a ! and a (
		return "sys_read: " + strings.Repeat("!(fd == 1 || ", n) + "fd == 2" + strings.Repeat(")", n) + "\n"
	},
	"notes": func() string {
		return big(func(i int) string { return fmt.Sprintf("set s%d { sys_mmap2: 1 }\n", i) })
	},
}

func TestBigTexts(t *testing.T) {
	for name, text := range bigTexts {
		t.Run(name, func(t *testing.T) {
			f, err := rule.Parse("p", text())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Check(f, target(t, "amd64")); err != nil {
				var list rule.Errors
				if !errors.As(err, &list) {
					t.Errorf("the error is a %T", err)
				}
			}
		})
	}
}

func BenchmarkCheckBig(b *testing.B) {
	for name, text := range bigTexts {
		f, err := rule.Parse("p", text())
		if err != nil {
			continue
		}
		b.Run(name, func(b *testing.B) {
			for range b.N {
				Check(f, target(b, "amd64"))
			}
		})
	}
}
