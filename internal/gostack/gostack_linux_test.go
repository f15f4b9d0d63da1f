package gostack

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// started starts a program that says the id of a thread and reads its input, and returns the id.
func started(t *testing.T, cmd *exec.Cmd) (tid int) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	if _, err := fmt.Fscan(stdout, &tid); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(waitsIn(tid)); err != nil {
		t.Skip("what threads wait for can't be read: ", err)
	}
	return tid
}

func waitsIn(tid int) string { return fmt.Sprintf("/proc/%d/syscall", tid) }

// untilReads waits until a thread reads its input. It may wait for something else before: for a processor, where the
// runtime gave its own to another thread while it said its id.
func untilReads(t *testing.T, tid int) {
	t.Helper()
	for reads := fmt.Sprintf("%d 0x0 ", unix.SYS_READ); ; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(waitsIn(tid))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), reads) {
			return
		}
	}
}

var pie = flag.Bool("pie", false, "test position independent programs too, for which the standard library is built anew")

func TestStack(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("stacks are read on amd64 and arm64, not on " + runtime.GOARCH)
	}
	builds := map[string][]string{"plain": nil, "stripped": {"-ldflags=-s -w"}}
	if *pie {
		builds["position independent"] = []string{"-buildmode=pie"}
		builds["position independent and stripped"] = []string{"-buildmode=pie", "-ldflags=-s -w"}
	}
	for name, flags := range builds {
		t.Run(name, func(t *testing.T) {
			binary := filepath.Join(t.TempDir(), "blocked")
			build := exec.Command("go", append(append([]string{"build", "-o", binary}, flags...), "testdata/blocked/main.go")...)
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			cmd := exec.Command(binary)
			tid := started(t, cmd)
			untilReads(t, tid)
			p, err := Open(cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			frames, err := p.Stack(tid)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range frames {
				names = append(names, f.Func)
			}
			if got := strings.Join(names, " "); !strings.HasSuffix(got, " main.inner main.middle main.outer main.main runtime.main runtime.goexit") {
				t.Errorf("the stack is %s", got)
			}
			for _, f := range frames {
				if f.Func == "main.middle" && (f.Line != 16 || !strings.HasSuffix(f.File, "testdata/blocked/main.go")) {
					t.Errorf("main.middle is at %s:%d", f.File, f.Line)
				}
			}
		})
	}
}

func TestNotGo(t *testing.T) {
	cmd := exec.Command("sh", "-c", "echo $$; read x")
	tid := started(t, cmd)
	if _, err := Open(tid); !errors.Is(err, ErrNotGo) {
		t.Errorf("a shell: %v", err)
	}
}

// Nothing is read of a file that would fill the memory.
func TestTooLarge(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "large")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(exe, self, 0o700); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int64]error{int64(len(self)): nil, largest + 1: ErrNotGo} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			if err := os.Truncate(exe, size); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(exe, "-test.run=^TestWaits$")
			cmd.Env = append(os.Environ(), waits+"=1")
			started(t, cmd)
			if _, err := Open(cmd.Process.Pid); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		})
	}
}

// waits has TestWaits wait, in a process of its own.
const waits = "STAGELOCK_TEST_WAITS"

func TestWaits(t *testing.T) {
	if os.Getenv(waits) != "" {
		fmt.Println(os.Getpid())
		fmt.Scanln()
	}
}

// What is in a table may be anything.
func FuzzFrameTable(f *testing.F) {
	// A header of one function, whose description and changes lie behind it.
	table := make([]byte, 128)
	copy(table, "\xf1\xff\xff\xff\x00\x00\x01\x08\x01")
	binary.LittleEndian.PutUint64(table[8+8*6:], 72) // changes
	binary.LittleEndian.PutUint64(table[8+8*7:], 80) // functions
	copy(table[72:], "\x00\x02\x20\x04\x00")
	binary.LittleEndian.PutUint32(table[80+4:], 16)    // the description
	binary.LittleEndian.PutUint32(table[80+8:], 100)   // the end of the text
	binary.LittleEndian.PutUint32(table[80+16+16:], 1) // pcsp
	f.Add(table, uint64(0x401000))
	f.Add(table, uint64(0x401001))
	f.Add(table, uint64(0x401064))
	f.Fuzz(func(t *testing.T, data []byte, pc uint64) {
		if table, err := newFrameTable(data, 0x401000); err == nil {
			table.size(pc)
		}
	})
}

func TestFrameTable(t *testing.T) {
	table := frameTable{quantum: 1}
	// From -1 to 0 for two bytes, then 16 more for four, then the end.
	changes := []byte{2, 2, 32, 4, 0}
	for pc, want := range []int64{0, 0, 16, 16, 16, 16} {
		if got, ok := table.value(changes, 0, uint64(pc)); got != want || !ok {
			t.Errorf("at %d: %d, %t, want %d", pc, got, ok, want)
		}
	}
	if got, ok := table.value(changes, 0, 6); ok {
		t.Errorf("behind the end: %d", got)
	}
	for _, cut := range [][]byte{nil, {2}, {2, 0x80}} {
		if got, ok := table.value(cut, 0, 5); ok {
			t.Errorf("%v: %d", cut, got)
		}
	}
}
