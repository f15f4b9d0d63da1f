package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/sys"
)

// A timing is what one process measures of one variant, in nanoseconds.
type timing struct {
	Install float64
	Held    float64 // getppid, which the bitmap holds
	Checked float64 // fcntl, allowed by its argument
	Refused float64 // getpgrp
}

// called are the columns of what each call costs.
var called = []column{
	{"held", func(t timing) float64 { return t.Held }},
	{"checked", func(t timing) float64 { return t.Checked }},
	{"refused", func(t timing) float64 { return t.Refused }},
}

// A column is a number of a timing.
type column struct {
	name string
	of   func(timing) float64
}

// variants returns the names of what is measured.
func variants() []string {
	list := []string{"no filter", "ret ALLOW only"}
	for _, c := range compilers {
		list = append(list, c.name)
	}
	return append(list, "stagelock, 2 stages", "stagelock, 4 stages")
}

// times measures all variants in turn, each in a process of its own, and prints the medians.
func times(rounds int) error {
	got := make(map[string][]timing)
	for range rounds {
		for _, v := range variants() {
			t, err := measureChild(v)
			if errors.Is(err, errNoLibseccomp) {
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", v, err)
			}
			got[v] = append(got[v], t)
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "medians of %d rounds:\tinstall µs\t\n", rounds)
	for _, v := range variants() {
		if x := quantile(got[v], func(t timing) float64 { return t.Install }, 0.5); x > 0 {
			fmt.Fprintf(w, "%s\t%.0f\t\n", v, x/1000)
		} else {
			fmt.Fprintf(w, "%s\t–\t\n", v)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println()
	fmt.Fprint(w, "ns a call (quarters):\t")
	for _, c := range called {
		fmt.Fprintf(w, "%s\t", c.name)
	}
	fmt.Fprintln(w)
	for _, v := range variants() {
		fmt.Fprintf(w, "%s\t", v)
		for _, c := range called {
			if len(got[v]) == 0 {
				fmt.Fprint(w, "–\t")
				continue
			}
			fmt.Fprintf(w, "%.0f (%.0f–%.0f)\t", quantile(got[v], c.of, 0.5), quantile(got[v], c.of, 0.25), quantile(got[v], c.of, 0.75))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// quantile returns the value below which the part q of a column lies.
func quantile(list []timing, of func(timing) float64, q float64) float64 {
	if len(list) == 0 {
		return 0
	}
	values := make([]float64, len(list))
	for i, t := range list {
		values[i] = of(t)
	}
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

func measureChild(variant string) (t timing, err error) {
	cmd := exec.Command("/proc/self/exe", "-child", variant)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if strings.Contains(string(exit.Stderr), errNoLibseccomp.Error()) {
			return t, errNoLibseccomp
		}
		return t, fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(out, &t)
}

// measureHere measures a variant in this process, and prints the timing.
func measureHere(variant string) error {
	runtime.LockOSThread()
	s, err := readShared()
	if err != nil {
		return err
	}
	var t timing
	progs, err := programs(variant, s)
	if err != nil {
		return err
	}
	spareThreads()
	if len(progs) > 0 {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
		start := time.Now()
		for _, p := range progs {
			f := make([]sys.SockFilter, len(p))
			for i, x := range p {
				f[i] = sys.SockFilter{Code: x.Op, Jt: x.Jt, Jf: x.Jf, K: x.K}
			}
			if r, errno := sys.SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, f); r != 0 || errno != 0 {
				return fmt.Errorf("install: %d, %v", r, errno)
			}
		}
		t.Install = float64(time.Since(start).Nanoseconds())
	}
	t.Held = perCall(unix.SYS_GETPPID, 0, 0)
	t.Checked = perCall(unix.SYS_FCNTL, 0, unix.F_GETFD)
	t.Refused = perCall(unix.SYS_GETPGRP, 0, 0)
	return json.NewEncoder(os.Stdout).Encode(t)
}

// spareThreads has the runtime make more threads than it will want: the policy of the comparison was written for other
// compilers, and refuses the clone by which Go 1.26 makes one on amd64 (CLONE_SETTLS).
func spareThreads() {
	var made, parked sync.WaitGroup
	release := make(chan struct{})
	for range 8 {
		made.Add(1)
		parked.Go(func() {
			runtime.LockOSThread() // a thread for each of them
			defer runtime.UnlockOSThread()
			made.Done()
			<-release
		})
	}
	made.Wait()
	close(release)
	parked.Wait()
}

// perCall returns how long a call takes: the fastest of several runs, since what else the machine does only adds.
func perCall(nr, a, b uintptr) float64 {
	const calls = 20000
	best := time.Duration(1<<63 - 1)
	for range 15 {
		start := time.Now()
		for range calls {
			syscall.RawSyscall(nr, a, b, 0)
		}
		best = min(best, time.Since(start))
	}
	return float64(best.Nanoseconds()) / calls
}

// programs returns what is installed for a variant.
func programs(variant string, s *shared) ([][]bpf.Instruction, error) {
	switch variant {
	case "no filter":
		return nil, nil
	case "ret ALLOW only":
		return [][]bpf.Instruction{{{Op: bpf.Return, K: retAllow}}}, nil
	case "stagelock, 2 stages":
		return stages(s, 2)
	case "stagelock, 4 stages":
		return stages(s, 4)
	}
	i := slices.IndexFunc(compilers, func(c compiler) bool { return c.name == variant })
	if i < 0 {
		return nil, fmt.Errorf("no variant %q", variant)
	}
	prog, err := compilers[i].compile(s)
	if err != nil {
		return nil, err
	}
	return [][]bpf.Instruction{prog}, nil
}

// stages returns the programs of the shared policy followed by stages that drop a call each.
func stages(s *shared, n int) ([][]bpf.Instruction, error) {
	var text strings.Builder
	text.WriteString("stage first\n" + s.text)
	for i, drop := range []string{"connect", "bind", "timer_create"}[:n-1] {
		text.WriteString(fmt.Sprintf("\nstage later%d\nsys_%s: 0\n", i, drop))
	}
	return compileStages(text.String())
}
