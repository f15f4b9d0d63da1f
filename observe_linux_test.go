//go:build (amd64 || arm64) && !race

package seccomp_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/seccomptest"
)

// A diary is a logger that remembers.
type diary struct {
	mu      sync.Mutex
	entries []map[string]any
}

func (d *diary) note(level, msg string, keysAndValues []any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := map[string]any{"level": level, "msg": msg}
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		e[keysAndValues[i].(string)] = keysAndValues[i+1]
	}
	d.entries = append(d.entries, e)
}

func (d *diary) Infow(msg string, kv ...any)  { d.note("info", msg, kv) }
func (d *diary) Warnw(msg string, kv ...any)  { d.note("warn", msg, kv) }
func (d *diary) Errorw(msg string, kv ...any) { d.note("error", msg, kv) }

// told returns the entries about calls of a name.
func (d *diary) told(call string) (list []map[string]any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.entries {
		if text, _ := e["call"].(string); e["msg"] == "seccomp would refuse" && strings.HasPrefix(text, call+"(") {
			list = append(list, e)
		}
	}
	return list
}

// observing returns an error that says that a Lock is observed, nil if it is not.
func observing(c *seccomptest.C, err error) {
	switch {
	case errors.Is(err, seccomp.ErrObserving) && errors.Is(err, seccomp.ErrNotEnforced):
	case errors.Is(err, seccomp.ErrNotSupported):
		c.Skipf("%v", err)
	default:
		c.Fatalf("Lock: %v", err)
	}
}

// seenBy waits until something is among what was observed, and all that came before: what is written down is told in order.
func seenBy(what func(seccomp.Observation) bool) seccomp.State {
	last := func(o seccomp.Observation) bool { return strings.HasPrefix(o.Call, "getsid(") }
	state := seccomp.Current()
	for wait := 50 * time.Millisecond; wait < time.Minute; wait *= 2 {
		openFile() // tells of those before it for which there was no room
		unix.Getsid(0)
		time.Sleep(wait)
		state = seccomp.Current()
		if slices.ContainsFunc(state.Observed, what) && slices.ContainsFunc(state.Observed, last) {
			break
		}
	}
	return state
}

const misses = `stage init
    use net.server, file.io
    sys_getpgid: 1
stage serve
    drop net.listen
    sys_getpgid: pid == 1
    sys_umask: 0 else kill
    sys_getpriority: 0 else trap
`

//go:noinline
func loadPage(dir string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, "page")) }

var observedServer = seccomptest.Case("a server under load, observed with a policy that misses things", func(c *seccomptest.C) {
	dir, err := os.MkdirTemp("", "observe")
	c.Must(err)
	defer os.RemoveAll(dir)
	log := &diary{}
	seccomp.SetLogger(log)
	var mode seccomp.Mode
	c.Must(mode.UnmarshalText([]byte("observe")))
	c.Must(seccomp.SetMode(mode))
	seccomp.MustDeclare("misses.policy", misses)
	observing(c, seccomp.Stage("init").Lock())
	c.Allowed("write a file", func() error { return os.WriteFile(filepath.Join(dir, "page"), []byte("page"), 0o600) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	c.Must(err)
	seccomp.Stage("serve").MustLock() // goes on
	observing(c, seccomp.Stage("serve").Lock())

	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, err := loadPage(dir)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
		w.Write(page)
	})}
	go server.Serve(listener)
	stop := make(chan bool)
	go func() { // the collector hardly ever rests
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	const clients, each = 4, 50
	var wg sync.WaitGroup
	for range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range each {
				client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // how long all may take, the case says
				resp, err := client.Get("http://" + listener.Addr().String())
				if err != nil {
					c.Errorf("get: %v", err)
					continue
				}
				if page, err := io.ReadAll(resp.Body); err != nil || string(page) != "page" {
					c.Errorf("the page is %q, %v", page, err)
				}
				resp.Body.Close()
			}
		}()
	}
	child := func() error {
		out, err := exec.Command("sh", "-c", "umask; exec echo done").CombinedOutput()
		if err == nil && !strings.HasSuffix(string(out), "done\n") {
			err = fmt.Errorf("it says %q", out)
		}
		return err
	}
	for range 10 {
		c.Allowed("a child", child)
	}
	wg.Wait()
	seenBy(func(o seccomp.Observation) bool {
		return strings.HasPrefix(o.Call, "openat(") && o.Count >= clients*each
	})
	// Now there is room for each, while the collector goes on. What kills and traps is let through, too.
	c.Allowed("a child, when all else is told", child)
	c.Allowed("a call that is killed for", func() error { unix.Umask(0o22); return nil })
	c.Allowed("a call that traps", func() error { _, err := unix.Getpriority(0, 0); return err })
	c.Allowed("listen on a new socket", listen)
	for pid := range 3 {
		unix.Getpgid(pid + 1)
	}
	state := seenBy(func(o seccomp.Observation) bool { return strings.HasPrefix(o.Call, "getpgid(") && o.Count >= 2 })
	close(stop)
	if state.Mode != seccomp.Observe || state.Stage != "serve" || state.Err != nil || len(state.Receipts) != 2 {
		c.Errorf("Current: mode %v, stage %s, %v, %d receipts", state.Mode, state.Stage, state.Err, len(state.Receipts))
	}
	seen := func(call, rule string) seccomp.Observation {
		i := slices.IndexFunc(state.Observed, func(o seccomp.Observation) bool {
			return strings.HasPrefix(o.Call, call+"(") && o.Stage == "serve" && strings.Contains(o.Rule, rule)
		})
		if i < 0 {
			c.Errorf("%s by %q is not among what was observed", call, rule)
			return seccomp.Observation{}
		}
		return state.Observed[i]
	}
	if o := seen("openat", ""); o.Count < clients*each || !strings.Contains(o.Stack, "runtime.goexit") ||
		!strings.HasPrefix(o.Allow, "sys_openat: ") || o.Gets != "errno EPERM" {
		c.Errorf("openat: %+v", o)
	}
	if o := seen("getpgid", "misses.policy:6:5"); o.Call != "getpgid(pid=2)" || o.Count != 2 || o.Allow != "sys_getpgid: 1 # not compared: pid (an id)" {
		c.Errorf("getpgid: %+v", o)
	}
	if o := seen("umask", "misses.policy:7:5"); o.Gets != "kill" {
		c.Errorf("umask: %+v", o)
	}
	if o := seen("getpriority", "misses.policy:8:5"); o.Gets != "trap" || o.Count != 1 {
		c.Errorf("getpriority: %+v", o)
	}
	seen("listen", "stage serve")
	seen("execve", "")
	// Each way to a call is told once, and then only when there were 10, 100, 1000 of them.
	stacks, page := make(map[string]int), false
	for _, e := range log.told("openat") {
		if e["level"] != "warn" || e["rule"] == "" || e["allow"] == "" || e["thread"] == 0 {
			c.Errorf("told: %v", e)
		}
		text := fmt.Sprint(e["stack"])
		page = page || strings.Contains(text, "seccomp_test.loadPage\n") && strings.Contains(text, "observe_linux_test.go:") &&
			strings.Contains(fmt.Sprint(e["call"]), "filename="+strconv.Quote(filepath.Join(dir, "page"))+", ")
		if e["stage"] == "serve" && !isPowerOfTen(e["count"].(int)) {
			stacks[text]++
		}
	}
	if !page {
		c.Errorf("the place that reads the page is not told")
	}
	for stack, n := range stacks {
		if n > 1 {
			c.Errorf("told %d times:\n%s", n, stack)
		}
	}
	if n := len(log.told("openat")); n == 0 || n > 40 {
		c.Errorf("openat was told %d times", n)
	}
})

func isPowerOfTen(n int) bool {
	for ; n%10 == 0 && n > 0; n /= 10 {
	}
	return n == 1
}

func TestObserve(t *testing.T) {
	observedServer.RunWith(t, seccomptest.Options{Env: []string{"GOGC=1"}, Timeout: 5 * time.Minute})
}

var observedInCode = seccomptest.Case("stages said in code, observed", func(c *seccomptest.C) {
	c.Must(seccomp.SetMode(seccomp.Observe))
	observing(c, seccomp.Stage("init").Use("file", "net.server").Lock())
	c.Allowed("open a file", openFile) // by the stage
	observing(c, seccomp.Stage("serve").Use("net.accept").Rules("sys_write: 0").Lock())
	for range 50 { // a busy machine doesn't give all stacks in time
		c.Allowed("open a file", openFile) // by nobody
	}
	c.Allowed("exec", run)
	opened := func(o seccomp.Observation) bool {
		return o.Stage == "serve" && strings.HasPrefix(o.Call, "openat(") && strings.Contains(o.Stack, "seccomp_test.openFile\n")
	}
	state := seenBy(opened)
	if !slices.ContainsFunc(state.Observed, opened) {
		c.Errorf("observed: %+v", state.Observed)
	}
	if slices.ContainsFunc(state.Observed, func(o seccomp.Observation) bool {
		return o.Stage == "init" && strings.HasPrefix(o.Call, "openat(")
	}) {
		c.Errorf("what init allows is told: %+v", state.Observed)
	}
	if notes := strings.Join(state.Receipts[1].Notes, "; "); !strings.Contains(notes, "is not told, since it was not known at the first Lock: ") {
		c.Errorf("the notes are %q", notes)
	}
})

func TestObserveInCode(t *testing.T) { observedInCode.Run(t) }

var unobservable = seccomptest.Case("nothing can be observed", func(c *seccomptest.C) {
	c.Must(seccomp.SetMode(seccomp.Observe))
	c.Must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	runtime.LockOSThread()
	f := []sys.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_CLOSE_RANGE, Jf: 1},
		{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)}, {Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW}}
	if _, errno := sys.SetModeFilter(unix.SECCOMP_FILTER_FLAG_TSYNC, f); errno != 0 { // as a kernel before 5.9
		c.Fatalf("%v", errno)
	}
	said := capture(c, func() {
		err := seccomp.Stage("init").Lock()
		if !errors.Is(err, seccomp.ErrNotEnforced) || errors.Is(err, seccomp.ErrObserving) || !errors.Is(err, seccomp.ErrNotSupported) {
			c.Errorf("Lock: %v", err)
		}
	})
	if !strings.Contains(said, "nothing is enforced, and nothing observed") {
		c.Errorf("on stderr stands %q", said)
	}
	seccomp.Stage("serve").MustLock() // the program goes on
	c.Allowed("exec", run)
})

func TestNothingCanBeObserved(t *testing.T) { unobservable.Run(t) }

func TestObserveAsOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this is an ordinary user: TestObserve is this test")
	}
	observedInCode.RunWith(t, seccomptest.Options{User: 65534})
}
