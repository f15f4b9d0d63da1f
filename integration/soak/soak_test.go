//go:build linux

package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var soakFor = flag.Duration("soak", 4*time.Second, "how long TestSoak soaks the server")

// TestSoak soaks a locked server for a moment; the program does it for as long as one has time.
func TestSoak(t *testing.T) {
	exe := filepath.Join(t.TempDir(), "soak")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(exe, "-for", soakFor.String()).CombinedOutput()
	t.Logf("\n%s", out)
	if err != nil {
		t.Error(err)
	}
}

// A policy that forgets something ends the server, and the soak.
func TestSoakNotices(t *testing.T) {
	dir := t.TempDir()
	weaker := strings.Replace(policy, "use file.read, file.io, net.server, signal", "use file.read, file.io, net.listen, net.accept", 1)
	weaker = strings.Replace(weaker, "drop file.read, net.listen", "sys_accept4: 0\n    drop file.read, net.listen", 1)
	if err := os.WriteFile(filepath.Join(dir, "soak.policy"), []byte(weaker), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	here, err := filepath.Abs("soak.policy")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, []byte(`{"Replace":{"`+here+`":"`+filepath.Join(dir, "soak.policy")+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "soak")
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(exe, "-for", "4s").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the server ended: ") && !strings.Contains(string(out), "a page could not be fetched: ") {
		t.Errorf("it didn't notice that the server may not accept connections: %v\n%s", err, out)
	}
}
