package proc

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/corpus"
)

func TestParse(t *testing.T) {
	full := State{
		Name: "worker: a\\nb", Tid: 4242, Tgid: 4240, Run: 'S', Threads: 12,
		Mode: Filter, Filters: 2, NoNewPrivs: true,
		StoreBypass: "thread vulnerable", IndirectBranch: "conditional enabled",
	}
	old := State{Name: "init", Tid: 1, Tgid: 1, Run: 'S', Threads: 1, Mode: Disabled, Filters: -1}
	for name, tt := range map[string]struct {
		text string
		want State
	}{
		"all": {
			"Name:\tworker: a\\nb\nState:\tS (sleeping)\nTgid:\t4240\nPid:\t4242\nThreads:\t12\nNoNewPrivs:\t1\nSeccomp:\t2\n" +
				"Seccomp_filters:\t2\nSpeculation_Store_Bypass:\tthread vulnerable\nSpeculationIndirectBranch:\tconditional enabled\n",
			full,
		},
		"before 5.9":          {"Name:\tinit\nState:\tS (sleeping)\nTgid:\t1\nPid:\t1\nThreads:\t1\nSeccomp:\t0\n", old},
		"no newline at end":   {"Pid:\t3", State{Tid: 3, Mode: Unknown, Filters: -1}},
		"without seccomp":     {"Pid:\t3\nNoNewPrivs:\t0\n", State{Tid: 3, Mode: Unknown, Filters: -1}},
		"a mode to come":      {"Pid:\t3\nSeccomp:\t3\n", State{Tid: 3, Mode: Unknown, Filters: -1}},
		"lines without sense": {"\n\nno colon\n:\nPid:\t3\n\x00\xff\nSeccomp:\t1\n", State{Tid: 3, Mode: Strict, Filters: -1}},
		"prefixes of fields":  {"Pid:\t3\nSeccomp_filters_more:\t9\nNSpid:\t8\nPidx:\t7\n", State{Tid: 3, Mode: Unknown, Filters: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseMalformed(t *testing.T) {
	for name, tt := range map[string]struct{ text, say string }{
		"empty":         {"", "no Pid"},
		"no thread":     {"Name:\tx\nSeccomp:\t2\n", "no Pid"},
		"word":          {"Pid:\t3\nSeccomp_filters:\tmany\n", `Seccomp_filters: "many"`},
		"negative":      {"Pid:\t-3\n", `Pid: "-3"`},
		"too large":     {"Pid:\t3\nThreads:\t2147483648\n", "Threads"},
		"nothing":       {"Pid:\t3\nSeccomp:\n", `Seccomp: ""`},
		"two numbers":   {"Pid:\t3\nNoNewPrivs:\t1 2\n", `NoNewPrivs: "1 2"`},
		"pid of nobody": {"Pid:\t0\n", "no Pid"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text))
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%v, want ErrMalformed that says %s", err, tt.say)
			}
		})
	}
}

// A status file is read for each of thousands of threads: only the three texts are copied out of it.
func TestParseAllocations(t *testing.T) {
	text, err := os.ReadFile("testdata/proc/100/task/100/status")
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { Parse(text) }); n > 3 {
		t.Errorf("%v allocations, want 3", n)
	}
}

func FuzzParse(f *testing.F) {
	corpus.AddBytes(f)
	if own, err := os.ReadFile("/proc/self/status"); err == nil {
		f.Add(own)
	}
	f.Add([]byte("Pid:\t3\nSeccomp:\t2\nSeccomp_filters:\t1\nNoNewPrivs:\t1\n"))
	f.Add([]byte("Pid:\t3\nSeccomp:\t-1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || s != (State{}) {
				t.Fatalf("%+v, %v", s, err)
			}
			return
		}
		if s.Tid <= 0 || s.Filters < -1 || s.Mode < Unknown || s.Mode > Filter {
			t.Fatalf("%+v", s)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text, err := os.ReadFile("testdata/proc/100/task/100/status")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for range b.N {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
