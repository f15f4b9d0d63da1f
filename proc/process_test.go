package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A tree is a /proc in the making.
type tree struct {
	t    *testing.T
	root string
}

func (x tree) put(name, text string) {
	x.t.Helper()
	path := filepath.Join(x.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		x.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		x.t.Fatal(err)
	}
}

// thread puts a thread, and with it, for the first of a process, the process.
func (x tree) thread(pid, tid, threads int, more string) {
	x.t.Helper()
	status := "Name:\tp\nTgid:\t" + strconv.Itoa(pid) + "\nPid:\t" + strconv.Itoa(tid) + "\nThreads:\t" + strconv.Itoa(threads) +
		"\n" + more
	if pid == tid {
		x.put(strconv.Itoa(pid)+"/status", status)
	}
	x.put(strconv.Itoa(pid)+"/task/"+strconv.Itoa(tid)+"/status", status)
}

func TestSurvey(t *testing.T) {
	x := tree{t, t.TempDir()}
	const locked, free = "State:\tS\nSeccomp:\t2\nSeccomp_filters:\t2\n", "State:\tS\nSeccomp:\t0\nSeccomp_filters:\t0\n"
	x.thread(1, 1, 1, free)
	x.thread(90, 90, 1, locked)
	x.thread(1000, 1000, 3, free) // only another thread than the first one is locked
	x.thread(1000, 1001, 3, locked)
	x.thread(1000, 1002, 3, free)
	x.thread(2000, 2000, 1, "State:\tZ\nSeccomp:\t2\nSeccomp_filters:\t0\n") // a zombie
	x.thread(3000, 3000, 2, "State:\tZ\nSeccomp:\t2\nSeccomp_filters:\t0\n") // its first thread has ended, it lives on
	x.thread(3000, 3001, 2, locked)
	x.thread(4000, 4000, 1, "Seccomp:\tx\n")
	x.put("5000/task/5000/none", "") // has ended
	x.put("meminfo", "")
	x.put("0600/status", "")

	f := FS{Root: x.root}
	got, err := f.Survey()
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, p := range got.Locked {
		pids = append(pids, p.Pid)
	}
	if diff := cmp.Diff([]int{90, 1000, 3000}, pids); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.Unseen) != 1 || !errors.Is(got.Unseen[0], ErrMalformed) || got.Hidden {
		t.Errorf("unseen %v, hidden %v", got.Unseen, got.Hidden)
	}
	usual, differ := got.Locked[1].Usual()
	if usual.Tid != 1000 || len(differ) != 1 || differ[0].Tid != 1001 {
		t.Errorf("of 1000: usual %+v, differ %+v", usual, differ)
	}
	if usual, differ := got.Locked[2].Usual(); usual.Tid != 3001 || len(differ) > 0 {
		t.Errorf("of 3000: usual %+v, differ %+v", usual, differ)
	}
	if _, err := f.Process(2000); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a zombie: %v", err)
	}
	if _, err := (FS{Root: filepath.Join(x.root, "none")}).Survey(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no /proc: %v", err)
	}
}

func TestProcessOfSelf(t *testing.T) {
	p, err := FS{}.Process(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(p.Command, os.Args[0]) || len(p.Threads) == 0 || p.Disagrees() != "" {
		t.Errorf("%+v", p)
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	if s, err := (FS{}).Survey(); err != nil || s.Hidden && !strings.Contains(string(mounts), "hidepid=") {
		t.Errorf("hidden %v, %v", s.Hidden, err)
	}
}

func TestUsual(t *testing.T) {
	p := Process{Threads: []State{{Tid: 1, Filters: 1}, {Tid: 2, Filters: 2, Name: "a"}, {Tid: 3, Filters: 2, Name: "b", Run: 'R'},
		{Tid: 4, Filters: 1}}}
	if usual, differ := p.Usual(); usual.Tid != 1 || len(differ) != 2 || differ[0].Tid != 2 || differ[1].Tid != 3 {
		t.Errorf("%+v, %+v", usual, differ) // of two as frequent it is the first thread's
	}
}

// A descriptor of the right name is not enough.
func TestClaimNotSealed(t *testing.T) {
	x := tree{t, t.TempDir()}
	x.put("10/fd/none", "")
	if _, err := (FS{Root: x.root}).Claim(10); !errors.Is(err, ErrUnpublished) {
		t.Errorf("no descriptor: %v", err)
	}
	if err := os.Symlink(Published, filepath.Join(x.root, "10/fd/3")); err != nil {
		t.Fatal(err)
	}
	if _, err := (FS{Root: x.root}).Claim(10); !errors.Is(err, ErrUnpublished) {
		t.Errorf("one that leads nowhere: %v", err)
	}
	if _, err := (FS{Root: x.root}).Claim(11); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no process: %v", err)
	}
}
