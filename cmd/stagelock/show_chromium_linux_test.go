package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagelock/seccomp/proc"
)

// Chromium's own compiler makes filters that look like nobody else's: a trap with data for each kind of call.
func TestShowChromium(t *testing.T) {
	mayFetch(t)
	var chromium string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		t.Skip("neither chromium nor google-chrome is installed")
	}
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	const nobody = 65534 // as root it has no sandbox
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--headless", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
		"--user-data-dir="+dir, "--remote-debugging-port=0", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
		}
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}()
	for limit := time.Now().Add(40 * time.Second); time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		list, err := proc.FS{}.Survey()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list.Locked {
			if !strings.Contains(p.Command, "--type=renderer") || !strings.Contains(p.Command, dir) {
				continue
			}
			out := shows(t, []string{strconv.Itoa(p.Pid)}, `^deny trap$`, `^# not said: .*: trap with the data \d+, said as trap`, `^sys_read: 1$`)
			file := filepath.Join(dir, "shown.policy")
			if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
			for call, want := range map[string]string{"ptrace": "trap", "mount": "trap", "read": "allow"} {
				if got, errs, code := stagelock(t, 0, "eval", file, call); code != 0 || got != want+"\n" {
					t.Errorf("%s: %s %s", call, got, errs)
				}
			}
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Skip("chromium does not run here: ", err)
		default:
		}
	}
	t.Skip("chromium started no sandboxed renderer here in 40 seconds")
}
