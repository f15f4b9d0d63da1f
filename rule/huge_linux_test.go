package rule

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHugeInputs: no text of the largest size takes long, whatever is in it. What counts is processor
// time: how long it takes on the wall hangs on what else the machine does.
func TestHugeInputs(t *testing.T) {
	for _, unit := range []string{
		"(", ")", "{", "}", "!", "~", "|", "&", ";", ":", ",", "..", "-", "=", "\n", " ", "#", "#\n", "a", "a ", "a:", "0", "0 ",
		"\x00", "\xff", "\n(", "\nset a {", "\nset a {}", "set {", "use a,\n", "sys_a: (\n", "sys_a: x == 1 ||\n(", "else kill ",
		"a: x == 1 # c\n", "a: x & A|", "a: x in {1,\n# c\n", "\na: x == ((((((((((((((((((((1))))))))))))))))))))", "\nset b { a: 1 }", "nr(",
	} {
		for _, prefix := range []string{"", "sys_a: ", "sys_a: x == ", "sys_a: x & A", "sys_a: x in {1", "sys_a: x == 1 ||", "use a", "set a {", "deny errno("} {
			size := MaxSize
			if prefix != "" {
				size /= 8 // there are many of them
			}
			src := prefix + strings.Repeat(unit, (size-len(prefix))/len(unit))
			start := processorTime(t)
			f, err := Parse("x", src)
			if err == nil {
				Format(f)
			} else {
				checkPlaces(t, src, err)
			}
			if took := processorTime(t) - start; took > 30*time.Second { // it is less than five with the race detector
				t.Errorf("%q and then %q takes %v", prefix, unit, took)
			}
		}
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
