package stage

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// garbage has texts of a mebibyte: how each begins, and its line number i.
var garbage = map[string]struct {
	head string
	line func(i int) string
}{
	"unknown sets":           {"", func(i int) string { return fmt.Sprintf("use fil%d", i) }},
	"unknown sets of sets":   {"", func(i int) string { return fmt.Sprintf("set a%d { use b%d }", i, i) }},
	"unknown calls":          {"", func(i int) string { return fmt.Sprintf("sys_opena%d: 1", i) }},
	"unknown arguments":      {"", func(i int) string { return fmt.Sprintf("sys_openat: flagz%d == 1", i) }},
	"unknown constants":      {"", func(i int) string { return fmt.Sprintf("sys_openat: flags == O_RDONL%d", i) }},
	"unknown errnos":         {"", func(i int) string { return fmt.Sprintf("sys_read: 0 else errno(EPER%d)", i) }},
	"rules given twice":      {"", func(int) string { return "a:1" }},
	"rules given twice, too": {"", func(int) string { return "read:1" }},
	"constant conditions":    {"", func(int) string { return "sys_read: fd == 1 && fd == 2" }},
	"sets again and again":   {"use all\n", func(int) string { return "drop all; use all" }},
	"sets of its own":        {"", func(i int) string { return fmt.Sprintf("set a%d { use a%d }", i, i+1) }},
	"stages":                 {"", func(i int) string { return fmt.Sprintf("stage s%d", i) }},
	"stages that narrow":     {"", func(i int) string { return fmt.Sprintf("stage s%d\nsys_lseek: offset != %d", i, int64(i)*0x123456789) }},
	"stages that use":        {"", func(i int) string { return fmt.Sprintf("stage s%d\nuse files", i) }},
	"stages that drop":       {"", func(i int) string { return fmt.Sprintf("stage s%d\nuse all; drop files", i) }},
	"stages of one name":     {"", func(int) string { return "stage s" }},
}

// TestGarbage: whatever a text of the largest size has, its mistakes are a screenful, and are found soon.
func TestGarbage(t *testing.T) {
	const slow = 10 * time.Second
	arch, _ := kernel.ByName("amd64")
	for name, g := range garbage {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString(g.head)
			for i := 0; b.Len() < rule.MaxSize-100; i++ {
				b.WriteString(g.line(i) + "\n")
			}
			start := processorTime(t)
			f, err := rule.Parse("p", b.String())
			if err != nil {
				t.Fatal(err)
			}
			p, err := policy.Check(f, policy.Target{Arch: arch, Sets: policy.Read(sets)})
			if p != nil {
				_, err = New(p, nil)
			}
			var list rule.Errors
			if !errors.As(err, &list) || len(list) > 51 || len(err.Error()) > 20000 {
				t.Errorf("%d errors, %.500v", len(list), err)
			}
			if took := processorTime(t) - start; took > slow {
				t.Errorf("took %v", took)
			}
		})
	}
}

// processorTime is how long the process has run, on all processors: what else a machine does is no matter.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What is one too many is told by its place, and alone.
func TestTooMany(t *testing.T) {
	repeat := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i) + "\n")
		}
		return b.String()
	}
	stages := func(i int) string { return fmt.Sprintf("stage s%d", i) }
	uses := func(int) string { return "use io" }
	own := func(i int) string { return fmt.Sprintf("set a%d { sys_read: 1 }", i) }
	for name, tt := range map[string]struct{ most, more, want string }{
		"stages": {repeat(policy.MaxStages, stages), stages(99),
			"p:33:1: this is one stage too many: a policy has at most 32"},
		"names of sets": {repeat(1000, uses), "use io, net\nstage b\ndrop net",
			"p:1001:5: this is one set too many: the stages of a policy name at most 1000"},
		"sets of its own": {repeat(1000, own), own(1000),
			"p:1001:1: this is one set too many: a policy has at most 1000 of its own"},
	} {
		if _, err := build(t, tt.most); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := mistakes(t, tt.most+tt.more); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tt.want)
		}
	}
}
