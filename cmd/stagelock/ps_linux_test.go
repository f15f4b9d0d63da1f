package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestPsLive(t *testing.T) {
	own, raw, odd, more := newTarget(t, "own"), newTarget(t, "raw"), newTarget(t, "odd"), newTarget(t, "more")
	base := ownFilters(t)
	out, errs, code := stagelock(t, uint32(os.Getuid()), "ps", "-json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var list []processJSON
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	find := func(pid int) processJSON {
		i := slices.IndexFunc(list, func(p processJSON) bool { return p.Pid == pid })
		if i < 0 {
			t.Fatalf("process %d is missing:\n%s", pid, out)
		}
		return list[i]
	}
	if p := find(own.Process.Pid); p.Filters != base+2 || p.Mode != "filter" || !p.NoNewPrivs || p.Claim == nil ||
		p.Claim.Stage != "serve" || p.Claim.Policy != "target.policy" || p.Claim.Own != 2 || p.Disagrees != "" || len(p.Differ) > 0 {
		t.Errorf("locked by the library: %+v", p)
	}
	if p := find(raw.Process.Pid); p.Filters != base+2 || p.Claim != nil || !strings.Contains(p.Unclaimed, "published nothing") {
		t.Errorf("locked by hand: %+v", p)
	}
	if p := find(odd.Process.Pid); p.Filters != base+1 || len(p.Differ) != 1 || p.Differ[0].Filters != base+2 {
		t.Errorf("with a thread that differs: %+v", p)
	}
	if p := find(more.Process.Pid); !regexp.MustCompile(`it claims \d filters, the kernel counts \d`).MatchString(p.Disagrees) {
		t.Errorf("with a filter that it doesn't claim: %+v", p)
	}

	out, _, code = stagelock(t, uint32(os.Getuid()), "ps", pid(own), pid(odd), "999999999")
	if lines := strings.Split(out, "\n"); code != 1 || len(lines) != 5 || !strings.HasPrefix(lines[1], pid(own)) ||
		!strings.Contains(lines[3], "differs") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

// Another user sees what the kernel shows to everybody, and is told what he doesn't.
func TestPsWithoutRights(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	own := newTarget(t, "own")
	out, errs, code := stagelock(t, nobody, "ps", pid(own))
	if code != 0 || !regexp.MustCompile(pid(own)+` .*filter +\d+ +yes .*\?  +\? `).MatchString(out) {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if !strings.Contains(errs, "what 1 process published could not be read: that takes the same user or CAP_SYS_PTRACE") {
		t.Errorf("it says %s", errs)
	}
	his := start(t, nobody, built(t, "target"), "own")
	if out, errs, _ := stagelock(t, nobody, "ps", pid(his)); !strings.Contains(out, "serve") || errs != "" {
		t.Errorf("of his own process he sees\n%s%s", out, errs)
	}
}

// Thousands of processes, some of which vanish while they are read.
func TestPsMany(t *testing.T) {
	const n = 3000
	root := t.TempDir()
	for i := range n {
		pid := 1000 + i
		dir := filepath.Join(root, strconv.Itoa(pid), "task", strconv.Itoa(pid))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 { // has ended since the directory was listed
			continue
		}
		status := fmt.Sprintf("Name:\tx\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nThreads:\t%d\nNoNewPrivs:\t1\nSeccomp:\t%d\n"+
			"Seccomp_filters:\t1\n", pid, pid, 1+i%2, 2*(i%3/2))
		for _, file := range []string{filepath.Join(root, strconv.Itoa(pid), "status"), filepath.Join(dir, "status")} {
			if err := os.WriteFile(file, []byte(status), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := 0
	for i := range n {
		if i%10 != 9 && i%3 == 2 {
			want++
		}
	}
	begin := time.Now()
	out, errs, code := stagelock(t, uint32(os.Getuid()), "ps", "-proc", root)
	if got := strings.Count(out, "\n") - 1; code != 0 || got != want || errs != "" {
		t.Errorf("exit code %d, %d processes, want %d: %s", code, got, want, errs)
	}
	t.Logf("%d processes in %v", n, time.Since(begin))
}
