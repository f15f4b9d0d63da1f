package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testdata/proc is a copy of what a kernel showed: process 100 has three threads, of which one was created last and
// is without the second filter.
var fixture = FS{Root: "testdata/proc"}

func TestThreads(t *testing.T) {
	got, err := fixture.Threads(100)
	if err != nil {
		t.Fatal(err)
	}
	thread := State{Name: "server", Tid: 100, Tgid: 100, Run: 'S', Threads: 3, Mode: Filter, Filters: 2, NoNewPrivs: true,
		StoreBypass: "vulnerable", IndirectBranch: "always enabled"}
	second, third := thread, thread
	second.Tid, second.Run = 101, 'R'
	third.Tid, third.Filters = 1020, 1 // comes after 101, which as text it would not
	if diff := cmp.Diff([]State{thread, second, third}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestThreadsOfNobody(t *testing.T) {
	for _, f := range []FS{{}, fixture, {Root: "testdata/nothing"}} {
		got, err := f.Threads(1 << 30)
		var e *Error
		if len(got) > 0 || !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &e) || e.Pid != 1<<30 {
			t.Errorf("root %q: %v, %v", f.Root, got, err)
		} else if !strings.Contains(err.Error(), "hidepid") {
			t.Errorf("root %q: %v does not say what may be the reason", f.Root, err)
		}
	}
}

// Older kernels, 5.10 for one, list a thread that is just ending by the number it no longer has.
func TestThreadIDs(t *testing.T) {
	tasks := t.TempDir()
	for _, name := range []string{"102", "0", "7"} {
		if err := os.Mkdir(filepath.Join(tasks, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ThreadIDs(tasks); err != nil || !slices.Equal(got, []int{7, 102}) {
		t.Errorf("%v, %v; want 7 and 102", got, err)
	}
	if err := os.Mkdir(filepath.Join(tasks, "07"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := ThreadIDs(tasks); err == nil || !strings.Contains(err.Error(), `"07" is not a thread id`) {
		t.Errorf("%v, %v; want an error about 07", got, err)
	}
}

// A copy of /proc with threads that are gone, malformed, or not to be read.
func TestThreadsUnseen(t *testing.T) {
	root := t.TempDir()
	put := func(pid, tid int, status string) string {
		dir := filepath.Join(root, strconv.Itoa(pid), "task", strconv.Itoa(tid))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "status")
		if status != "" {
			if err := os.WriteFile(path, []byte(status), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	f := FS{Root: root}

	put(10, 10, "Pid:\t10\nSeccomp:\t0\n")
	put(10, 11, "") // has ended
	if got, err := f.Threads(10); err != nil || len(got) != 1 || got[0].Tid != 10 {
		t.Errorf("a thread that ended: %+v, %v", got, err)
	}

	put(20, 20, "Pid:\t20\nSeccomp:\t0\n")
	put(20, 21, "garbage")
	put(20, 22, "Pid:\tx\n")
	got, err := f.Threads(20)
	var e *Error
	if len(got) != 1 || !errors.As(err, &e) || !cmp.Equal(e.Unseen, []int{21, 22}) || !errors.Is(err, ErrMalformed) {
		t.Errorf("threads that make no sense: %+v, %v", got, err)
	}

	put(30, 30, "")
	if got, err := f.Threads(30); len(got) != 0 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that ended: %+v, %v", got, err)
	}

	if err := os.MkdirAll(filepath.Join(root, "40", "task", "forty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Threads(40); err == nil || !strings.Contains(err.Error(), "forty") {
		t.Errorf("a name that is no thread id: %v", err)
	}

	if os.Getuid() == 0 {
		t.Log("root may read every file: not tried")
		return
	}
	if err := os.Chmod(put(50, 50, "Pid:\t50\n"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Threads(50); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that may not be read: %v", err)
	}
}

// The own process, with two thousand threads that come and go.
func TestThreadsOfSelf(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has this /proc")
	}
	const n = 2000
	ready, stop := make(chan struct{}), make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread() // and ends with its thread
			ready <- struct{}{}
			<-stop
		}()
	}
	for range n {
		<-ready
	}
	got, err := (FS{}).Threads(os.Getpid())
	if err != nil || len(got) <= n || got[0].Threads <= n {
		t.Fatalf("%d threads, %v", len(got), err)
	}
	close(stop)
	for range 50 { // while they end
		states, err := (FS{}).Threads(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range states {
			if s.Tgid != os.Getpid() || s.Mode == Unknown {
				t.Fatalf("%+v", s)
			}
		}
	}
}

func BenchmarkThreads(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		if _, err := fixture.Threads(100); err != nil {
			b.Fatal(err)
		}
	}
}
