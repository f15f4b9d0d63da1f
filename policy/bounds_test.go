package policy

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/internal/bdd"
	"github.com/stagelock/seccomp/rule"
)

// mallocs counts how often memory is asked for.
func mallocs(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

// TestManyElses: what an else arm costs doesn't grow with the text. The bounds are twice what Go 1.26 on amd64 needs.
func TestManyElses(t *testing.T) {
	const arms = 20000
	var err error
	n := mallocs(func() {
		_, err = check(t, "sys_write: fd == 2"+strings.Repeat(" else kill if fd == 1", arms)+"\n")
	})
	if n > 3*arms {
		t.Errorf("%d allocations for %d arms of which most are too many", n, arms)
	}
	var list rule.Errors
	if !errors.As(err, &list) || len(list) != 1 || !errors.Is(err, bdd.ErrTooComplex) ||
		err.Error() != fmt.Sprintf("p:1:%d: this is one else too many: a rule has at most 100", len("sys_write: fd == 2 ")+100*len(" else kill if fd == 1")+1) {
		t.Errorf("%.300v", err)
	}

	const calls = 200
	var b strings.Builder
	for nr := 9000; nr < 9000+calls; nr++ {
		fmt.Fprintf(&b, "nr(%d): arg0 == 2%s\n", nr, strings.Repeat(" else kill if arg0 == 1", maxElses))
	}
	var p *Policy
	if n := mallocs(func() { p = mustCheck(t, b.String()) }); n > 20*calls*maxElses {
		t.Errorf("%d allocations for %d calls with %d arms", n, calls, maxElses)
	}
	if n := len(p.Notes); n != maxNotes+1 {
		t.Errorf("%d notes", n)
	}
}

// An arm is never reached too where only several before it together leave nothing.
func TestElsesTogether(t *testing.T) {
	for text, notes := range map[string]int{
		"fd < 2 else kill if fd in {2, 3} else trap if fd == 4 else log if fd in {1..4}":           1,
		"fd < 2 else kill if fd in {2, 3} else trap if fd == 4 else log if fd in {1..5}":           0,
		"fd < 2 else kill if fd == 1 else trap if fd == 4 else log if fd in {0, 4} else kill":      2,
		"fd < 2 else kill if fd == 2 else trap if fd == 4 else log if fd == 3 else kill if fd > 0": 0,
		"fd < 8 else kill if fd >= 8 else trap":                                                    1,
	} {
		if p := mustCheck(t, "sys_write: "+text+"\n"); len(p.Notes) != notes {
			t.Errorf("%s: %v", text, p.Notes)
		}
	}
}

// TestManyNotes: after 50 notes one says that there are more.
func TestManyNotes(t *testing.T) {
	var b strings.Builder
	b.WriteString("use file\n")
	for i := range 60 {
		fmt.Fprintf(&b, "set unused%d { sys_read: 1 }\n", i)
		if i+1 == maxNotes {
			if n := len(mustCheck(t, b.String()).Notes); n != maxNotes {
				t.Errorf("50 notes are %d", n)
			}
		}
	}
	notes := mustCheck(t, b.String()).Notes
	if len(notes) != maxNotes+1 {
		t.Fatalf("%d notes", len(notes))
	}
	if n := notes[maxNotes]; n.Text != "there are more than 50 notes: the rest is not told" || n.Pos.Line != 52 {
		t.Errorf("the last is %+v", n)
	}
}

// A message shows the beginning of a long word.
func TestLongWords(t *testing.T) {
	long := strings.Repeat("x", 10000)
	for _, text := range []string{
		"sys_" + long + ": 1",
		"use " + long,
		"sys_write: " + long + " == 1",
		"sys_write: fd == " + long,
		"sys_write: fd == self." + long,
		"sys_write: 0 else errno(" + long + ")",
	} {
		if s := said(t, text+"\n"); len(s) > 1000 || !strings.Contains(s, strings.Repeat("x", 50)) || !strings.Contains(s, "x…") {
			t.Errorf("%.40s: %.500s", text, s)
		}
	}
	if _, err := Register(long, target(t, "amd64").Arch, nil); err == nil || len(err.Error()) > 500 {
		t.Errorf("%.500v", err)
	}
}
