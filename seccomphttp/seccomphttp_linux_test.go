package seccomphttp_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/seccomphttp"
	"github.com/stagelock/seccomp/seccomptest"
)

func TestMain(m *testing.M) { seccomptest.Main(m) }

// ask asks the handler itself.
func ask(method, url, accept string) *http.Response {
	r := httptest.NewRequest(method, url, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	seccomphttp.Handler().ServeHTTP(w, r)
	return w.Result()
}

func read(r *http.Response) string {
	b, _ := io.ReadAll(r.Body) // of a recorder
	return string(b)
}

func TestFormats(t *testing.T) {
	const text, js = "text/plain; charset=utf-8", "application/json"
	for _, tt := range []struct{ query, accept, want string }{
		{"", "", text},
		{"", "*/*", text},
		{"", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", text}, // a browser
		{"", "application/json", js},
		{"", "application/json, text/plain, */*", text},
		{"", "application/json, */*;q=0.5", js},
		{"", "text/plain;q=0.1, application/*", js},
		{"", "application/json;q=0", text},
		{"", ";;;,application/json;q=x", text},
		{"?format=json", "text/plain", js},
		{"?format=text", "application/json", text},
	} {
		resp := ask("GET", seccomphttp.Path+tt.query, tt.accept)
		if got := resp.Header.Get("Content-Type"); got != tt.want || resp.StatusCode != 200 {
			t.Errorf("%q, Accept: %s: %d %s, want %s", tt.query, tt.accept, resp.StatusCode, got, tt.want)
		}
	}
}

func TestRequests(t *testing.T) {
	for _, tt := range []struct {
		method, url string
		status      int
		want        string
	}{
		{"GET", "/debug/seccomp", 200, "# Nothing is in force yet.\n"},
		{"HEAD", "/debug/seccomp", 200, ""},
		{"POST", "/debug/seccomp", 405, "the page is there to be read\n"},
		{"GET", "/debug/seccomp?format=xml", 400, "format is text or json\n"},
	} {
		resp := ask(tt.method, tt.url, "")
		if body := read(resp); resp.StatusCode != tt.status || body != tt.want {
			t.Errorf("%s %s: %d %q", tt.method, tt.url, resp.StatusCode, body)
		}
	}
}

var lastStage = seccomptest.Case("after the last stage", func(c *seccomptest.C) {
	// Whatever the page asks of the kernel that isn't allowed ends the process.
	seccomp.MustDeclare("two.policy", "deny kill\nstage init\n use file.read, file.io\nstage serve\n only file.io\n deny kill\n")
	c.Must(seccomp.Stage("init").Lock())
	c.Must(seccomp.Stage("serve").Lock())

	body := read(ask("GET", seccomphttp.Path, ""))
	head, policy, _ := strings.Cut(body, "\n\n")
	for _, want := range []string{"# Stage serve is in force.\n", "# init: ", "# serve: ", "seen on "} {
		if !strings.Contains(head, want) {
			c.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	if _, err := rule.Parse("page", policy); err != nil || !strings.Contains(policy, "sys_read: 1") {
		c.Errorf("the policy on the page: %v\n%s", err, policy)
	}
	if _, err := rule.Parse("page", body); err != nil {
		c.Errorf("the page as a policy: %v", err)
	}
	var page struct {
		Mode, Stage, Policy string
		Locks               []struct {
			Stage   string
			Filters int
			Dropped []string
		}
	}
	c.Must(json.Unmarshal([]byte(read(ask("GET", seccomphttp.Path+"?format=json", ""))), &page))
	if page.Mode != "enforce" || page.Stage != "serve" || page.Policy != policy || len(page.Locks) != 2 {
		c.Errorf("as JSON: %+v", page)
	} else if l := page.Locks[1]; l.Stage != "serve" || l.Filters != page.Locks[0].Filters+1 || len(l.Dropped) == 0 {
		c.Errorf("the second lock: %+v", l)
	}
})

func TestLastStage(t *testing.T) { lastStage.Run(t) }

var failed = seccomptest.Case("after a failure", func(c *seccomptest.C) {
	c.Unlocked()
	if err := seccomp.Stage("init").Use("fiel").Rules("sys_raed: 1").Lock(); err == nil {
		c.Fatalf("it was locked")
	}
	c.Allowed("getppid, since nothing was locked", func() error { syscall.Getppid(); return nil })
	body := read(ask("GET", seccomphttp.Path, ""))
	if !strings.Contains(body, "# Failed: stage init: ") || !strings.Contains(body, `"file"`) {
		c.Errorf("the page is\n%s", body)
	}
	for _, line := range strings.Split(strings.TrimSpace(body), "\n") {
		if !strings.HasPrefix(line, "#") {
			c.Errorf("the line %q is no comment", line)
		}
	}
	if body := read(ask("GET", seccomphttp.Path+"?format=json", "")); !strings.Contains(body, `"error": "stage init: `) {
		c.Errorf("as JSON: %s", body)
	}
})

func TestFailed(t *testing.T) { failed.Run(t) }

var off = seccomptest.Case("mode off", func(c *seccomptest.C) {
	c.Unlocked()
	c.Must(seccomp.SetMode(seccomp.Off))
	seccomp.Stage("init").MustLock()
	if body := read(ask("GET", seccomphttp.Path, "")); body != "# Nothing is enforced: the mode is off.\n" {
		c.Errorf("the page is %q", body)
	}
	c.Allowed("getppid", func() error { syscall.Getppid(); return nil })
})

func TestOff(t *testing.T) { off.Run(t) }
