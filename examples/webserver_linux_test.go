package examples_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stagelock/seccomp/proc"
)

const nobody = 65534

// asNobody makes a command run as a user without rights, if this one has any.
func asNobody(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	dir, err := os.MkdirTemp("", "nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

func TestWebserverSelfTest(t *testing.T) {
	got, _ := exits(t, command(t, "webserver", "-selftest"), 0)
	t.Logf("\n%s", got)
	if !strings.HasSuffix(got, "\nEverything was as expected.\n") {
		t.Error("it did not say that everything was as expected")
	}
}

func TestWebserverSelfTestAsOrdinaryUser(t *testing.T) {
	cmd := command(t, "webserver", "-selftest")
	asNobody(t, cmd)
	exits(t, cmd, 0)
}

// A policy that forgets to drop what the self-test knows should go must not pass.
func TestWebserverSelfTestNotices(t *testing.T) {
	text, err := os.ReadFile("webserver/seccomp.policy")
	if err != nil {
		t.Fatal(err)
	}
	weaker := strings.Replace(string(text), "drop file.read", "# drop file.read", 1)
	if weaker == string(text) {
		t.Fatal("seccomp.policy has no `drop file.read`")
	}
	file := filepath.Join(t.TempDir(), "weaker.policy")
	if err := os.WriteFile(file, []byte(weaker), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr := exits(t, command(t, "webserver", "-selftest", "-policy", file), 1)
	if want := "open a file: done, where EPERM was expected (after serve)"; !strings.Contains(stderr, want) {
		t.Errorf("it did not say %q, but\n%s", want, stderr)
	}
	if strings.Contains(stdout, "as expected.") {
		t.Errorf("it said that all was well:\n%s", stdout)
	}
}

// startWebserver starts a server and waits until it serves.
func startWebserver(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd, _ := startWebserverAt(t, args...)
	return cmd
}

// startWebserverAt also returns the server's address.
func startWebserverAt(t *testing.T, args ...string) (cmd *exec.Cmd, addr string) {
	t.Helper()
	cmd = command(t, "webserver", append([]string{"-addr=127.0.0.1:0"}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadBytes('\n')
		log.Write(line)
		var at struct{ Msg, Addr string }
		if json.Unmarshal(line, &at) == nil && at.Msg == "serving" {
			addr = at.Addr
			break
		}
		if err != nil {
			t.Fatalf("it did not serve: %v\n%s", err, log.String())
		}
	}
	go io.Copy(io.Discard, lines) // so that it never waits for its log to be read
	return cmd, addr
}

func TestWebserverSIGTERM(t *testing.T) {
	cmd, addr := startWebserverAt(t)
	silent, err := net.Dial("tcp", addr) // nobody has to wait for a client that says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	threads, err := proc.FS{}.Threads(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	own := ownFilters(t)
	for _, s := range threads {
		if s.Mode != proc.Filter || !s.NoNewPrivs || own >= 0 && s.Filters != own+2 {
			t.Errorf("thread %d: %+v", s.Tid, s)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// After the last stage the server still shows what is in force, on its debug page and in /proc.
func TestWebserverShowsWhatIsInForce(t *testing.T) {
	cmd, addr := startWebserverAt(t, "-debug")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	page := func(query string) string {
		resp, err := client.Get("https://" + addr + "/debug/seccomp" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v", resp.Status, err)
		}
		return string(body)
	}
	if text := page(""); !strings.HasPrefix(text, "# Stage serve is in force.\n") || !strings.Contains(text, "sys_accept4: 1 ") {
		t.Errorf("the debug page is\n%s", text)
	}
	var state struct {
		Stage string
		Locks []struct{ Filters int }
	}
	if err := json.Unmarshal([]byte(page("?format=json")), &state); err != nil || state.Stage != "serve" || len(state.Locks) != 2 {
		t.Errorf("as JSON it is %+v, %v", state, err)
	}

	claim, err := proc.FS{}.Claim(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile("webserver/seccomp.policy")
	if err != nil {
		t.Fatal(err)
	}
	if claim.Stage != "serve" || claim.Policy != "seccomp.policy" || claim.Source != string(policy) || claim.Own != 2 {
		t.Errorf("it claims %+v", claim)
	}
	threads, err := proc.FS{}.Threads(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range threads {
		if d := claim.Disagrees(s); d != "" {
			t.Errorf("thread %d: %s", s.Tid, d)
		}
	}
}

func TestWebserverModeOff(t *testing.T) {
	cmd := startWebserver(t, "-mode=off")
	threads, err := proc.FS{}.Threads(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range threads {
		if s.Filters != ownFilters(t) {
			t.Errorf("thread %d: %+v", s.Tid, s)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

// ownFilters tells how many filters the test itself runs under, such as a container's.
func ownFilters(t *testing.T) int {
	t.Helper()
	states, err := proc.FS{}.Threads(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return states[0].Filters
}

func TestWebserverMistakes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"mode", []string{"-mode=of"}, 2, `did you mean "off"`},
		{"no directory", []string{"-dir=" + filepath.Join(dir, "none")}, 1, "no such file"},
		{"empty directory", []string{"-dir=" + dir + "/empty"}, 1, "no files to serve"},
		{"config", []string{"-config=" + write("webserver.json", `{"header": {}}`)}, 1, `unknown field "header"`},
		{"policy", []string{"-policy=" + write("seccomp.policy", "stage init\n    use file.raed\n")}, 1,
			"seccomp.policy:2:9: unknown set"},
		{"address", []string{"-addr=127.0.0.1:http:s"}, 1, "too many colons"},
		{"argument", []string{"site", "-mode=off"}, 2, `unexpected argument "site"`},
		{"beside the self-test", []string{"-selftest", "-mode=off"}, 2, "-mode says nothing beside -selftest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.MkdirAll(filepath.Join(dir, "empty"), 0o700); err != nil {
				t.Fatal(err)
			}
			_, stderr := exits(t, command(t, "webserver", test.args...), test.code)
			if !strings.Contains(stderr, test.want) {
				t.Errorf("it did not say %q, but\n%s", test.want, stderr)
			}
		})
	}
}
