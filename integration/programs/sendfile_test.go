package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/stage"
)

// noSendfile refuses the one call with an errno for which Go has no other way, and which nothing else gives.
const noSendfile = "use all\nsys_sendfile: 0 else errno(EIO)\n"

// TestSendfile shows that what TestServes fetches from caddy by plain HTTP/1.1 is sent by sendfile, under its last stage.
//
// Around caddy's own stages is a filter from outside, which asks this process about sendfile. User notification, by which
// it asks, is weaker than an errno (seccomp(2)): it comes to that only if caddy makes the call and its own stages allow it.
// The answer is an error, and the file does not come: so it goes by no other way, either.
func TestSendfile(t *testing.T) {
	p := caddyServer
	if err := build(bin, *toolchain, true, p); err != nil {
		t.Fatal(err)
	}
	at, err := newPlace(t.TempDir(), "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	args, err := p.prepare(at)
	if err != nil {
		t.Fatal(err)
	}
	r, err := launch.Report(func(pid int) (*policy.Table, error) {
		outer, err := planned("outer.policy", noSendfile, stage.Env{"self.pid": uint64(pid)})
		if err != nil {
			return nil, err
		}
		return outer.Stages[0].Table, nil
	}, filepath.Join(bin, p.source()), args...)
	if err != nil {
		t.Fatal(err)
	}
	var log output
	r.Cmd.Dir, r.Cmd.Stdout, r.Cmd.Stderr, r.Cmd.Env = at.dir, &log, &log, at.environ()
	var told sent
	if err := r.Start(func(x launch.Refusal) { told.note(r.Cmd.Process.Pid, x) }); err != nil {
		t.Fatal(err)
	}
	defer func() {
		r.Cmd.Process.Signal(unix.SIGTERM)
		if err := r.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
		<-r.Done()
		if t.Failed() {
			t.Logf("it printed:\n%s", log.String())
		}
	}()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ready := func(ctx context.Context) error {
		_, err := filters(r.Cmd.Process.Pid, 3) // init, serve, and the one around them
		return err
	}
	if err := until(ctx, ready); err != nil {
		t.Fatal(err)
	}
	c, end := newClient()
	defer end()
	word := request{url: "http://" + at.addrs[0] + "/word"} // has no file behind it
	if err := word.want(ctx, c, "first"); err != nil {
		t.Fatal(err)
	}
	if calls := told.all(); len(calls) > 0 {
		t.Errorf("before any file was asked for: %q", calls)
	}
	if big, _, err := (request{url: "http://" + at.addrs[0] + "/big"}).fetch(ctx, c); err == nil {
		t.Errorf("%d bytes came without sendfile", len(big))
	}
	want := "sendfile of " + at.path("site/big") + " to a socket"
	if calls := told.all(); !slices.Contains(calls, want) {
		t.Errorf("caddy asked for %q, want %q", calls, want)
	}
	if err := word.want(ctx, c, "first"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A sent is what a program was about to send, told while it waits for the answer.
type sent struct {
	mu    sync.Mutex
	calls []string
}

func (s *sent) note(pid int, x launch.Refusal) {
	file := func(fd uint64) string {
		name, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, uint32(fd)))
		if err != nil {
			return err.Error()
		}
		if strings.HasPrefix(name, "socket:") {
			return "a socket"
		}
		return name
	}
	call := fmt.Sprintf("call %d", x.Nr)
	if x.Nr == unix.SYS_SENDFILE {
		call = "sendfile of " + file(x.Args[1]) + " to " + file(x.Args[0])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func (s *sent) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}
