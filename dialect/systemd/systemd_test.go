package systemd

import (
	"fmt"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/internal/dialecttest"
	"github.com/stagelock/seccomp/policy"
)

var amd64 = dialect.Options{Arch: "amd64"}

// A manual is systemd.exec(5) as a second reading, for one call: what is said of it line by line, in the terms of the
// page. It takes words, and knows sets as the file has them.
type manual struct {
	kind    string // allow or deny; empty: no line yet
	in      bool   // the call is on the list
	errno   string // of the call, on a deny list
	logKind string
	logged  bool
}

// has tells whether a word means the call.
func has(word, call string) bool {
	found := false
	expand(word, func(name string) { found = found || name == call })
	return found
}

func (m *manual) filter(value, call string) {
	words := strings.Fields(value)
	if len(words) == 0 { // "the filter is reset, all prior assignments will have no effect"
		m.kind, m.in = "", false
		return
	}
	kind := "allow"
	if strings.HasPrefix(words[0], "~") {
		kind, words[0] = "deny", words[0][1:]
	}
	if m.kind == "" { // "the first encountered … will dictate the default action"
		m.kind = kind
		m.in = kind == "allow" && has("@default", call) // "implicitly allow-listed"
		m.errno = ""
	}
	for _, w := range words {
		name, errno, _ := strings.Cut(w, ":")
		if has(name, call) { // "will add or delete the listed system calls from the set"
			m.in, m.errno = kind == m.kind, errno
		}
	}
}

func (m *manual) log(value, call string) {
	words := strings.Fields(value)
	if len(words) == 0 {
		m.logKind, m.logged = "", false
		return
	}
	kind := "log"
	if strings.HasPrefix(words[0], "~") {
		kind, words[0] = "quiet", words[0][1:]
	}
	if m.logKind == "" {
		m.logKind, m.logged = kind, false
	}
	for _, w := range words {
		if has(w, call) {
			m.logged = kind == m.logKind
		}
	}
}

// verdict is what the call gets.
func (m *manual) verdict(errorNumber string) string {
	if m.kind == "" || m.in == (m.kind == "allow") {
		if m.logKind != "" && m.logged == (m.logKind == "log") {
			return "log"
		}
		return "allow"
	}
	code := errorNumber
	if m.kind == "deny" && m.errno != "" { // "takes precedence over the one given in SystemCallErrorNumber="
		code = m.errno
	}
	if code == "" || code == "kill" {
		return "kill"
	}
	return "errno " + code
}

// random returns lines of a unit.
func random(r *rand.Rand) []string {
	words := []string{"read", "write", "ptrace", "@mount", "@basic-io", "@clock", "clock_gettime", "@reboot", "getpid",
		"execve", "@privileged"}
	var lines []string
	deny := r.Intn(2) == 0
	for i := range 1 + r.Intn(5) {
		value := ""
		inverse := i == 0 && deny || i > 0 && r.Intn(2) == 0
		for range 1 + r.Intn(3) {
			w := words[r.Intn(len(words))]
			if inverse && r.Intn(3) == 0 {
				w += []string{":EPERM", ":EACCES", ":kill"}[r.Intn(3)]
			}
			value += " " + w
		}
		value = value[1:]
		if inverse {
			value = "~" + value
		}
		if i > 0 && r.Intn(8) == 0 {
			value = ""
		}
		lines = append(lines, keyFilter+"="+value)
	}
	lines = append(lines, keyFilter+"="+[]string{"", "~"}[btoi(deny)]+"read")
	for range r.Intn(3) {
		lines = append(lines, keyLog+"="+[]string{"", "~"}[r.Intn(2)]+words[r.Intn(len(words))])
	}
	if r.Intn(2) == 0 {
		lines = append(lines, keyErrno+"="+[]string{"EPERM", "kill", "ENOSYS"}[r.Intn(3)])
	}
	return lines
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestRandomUnits(t *testing.T) {
	for seed := range int64(60) {
		lines := random(rand.New(rand.NewSource(seed)))
		text := "[Service]\n" + strings.Join(lines, "\n") + "\n"
		in, err := Read("random", []byte(text), amd64)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		out, err := Write(in, amd64)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		again, err := Read("again", []byte(out.Text), amd64)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, out.Text)
		}
		for _, call := range in.Table.Arch.Calls() {
			var m manual
			code := ""
			for _, l := range lines {
				switch key, value, _ := strings.Cut(l, "="); key {
				case keyFilter:
					m.filter(value, call.Name)
				case keyLog:
					m.log(value, call.Name)
				case keyErrno:
					code = value
				}
			}
			want := m.verdict(code)
			for i, table := range []*policy.Table{in.Table, again.Table} {
				if got := table.Eval(call.Nr, [6]uint64{}).Action.Text(table.Arch); got != want {
					t.Fatalf("seed %d, written %d times: %s gets %s, want %s\n%s\n%s", seed, i, call.Name, got, want, text, out.Text)
				}
			}
		}
		if _, err := dialect.Format(in, amd64); err != nil {
			t.Fatalf("seed %d: to stagelock: %v\n%s", seed, err, text)
		}
	}
}

func TestUnits(t *testing.T) {
	for file, wants := range map[string]map[string]string{
		"web.service": {"read": "allow", "clock_gettime": "allow", "mount": "errno EPERM", "setrlimit": "errno EPERM",
			"chown": "errno EPERM", "openat": "allow"},
		"deny.service": {"mount": "errno EACCES", "ptrace": "kill", "kexec_load": "kill", "reboot": "allow", "execve": "log",
			"read": "allow"},
	} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		in, err := Read(file, text, amd64)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range wants {
			call, _ := in.Table.Arch.Call(name)
			if got := in.Table.Eval(call.Nr, [6]uint64{}).Action.Text(in.Table.Arch); got != want {
				t.Errorf("%s: %s gets %s, want %s", file, name, got, want)
			}
		}
	}
}

// The other filters of a unit are more than nothing, and a person should know that they are left out.
func TestOtherFilters(t *testing.T) {
	in, err := Read("p", []byte("SystemCallFilter=read\nSystemCallArchitectures=native\nMemoryDenyWriteExecute=yes\n"+
		"ProtectClock=no\n"), amd64)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Notes) != 1 || in.Notes[0].Pos.Line != 3 || !strings.HasPrefix(in.Notes[0].Text, "MemoryDenyWriteExecute=") {
		t.Errorf("notes: %v", in.Notes)
	}
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"SystemCallFiter=read\n", `p:1:1: unknown setting SystemCallFiter: did you mean "SystemCallFilter"?`},
		{"SystemCallFilter=raed\n", `p:1:18: unknown system call "raed": did you mean "read"?`},
		{"SystemCallFilter=read @system-servise\n", `p:1:23: unknown set "@system-servise": did you mean "@system-service"?`},
		{"SystemCallFilter=read:EPERM\n", `p:1:18: read has an errno, but is allowed here: systemd would go past it`},
		{"SystemCallFilter=~read:EPREM\n", `p:1:19: unknown errno "EPREM": did you mean "EPERM"?`},
		{"SystemCallFilter=~read \\\n  writ:EPERM\n", `p:2:3: unknown system call "writ": did you mean "write"?`},
		{"SystemCallFilter=read\nSystemCallErrorNumber=0\n", `p:2:23: an errno lies between 1 and 4095`},
		{"SystemCallFilter=read\nSystemCallArchitectures=x86_64\n", `p:2:25: unknown architecture "x86_64": did you mean "x86-64"?`},
		{"SystemCallFilter=read\nSystemCallLog=read:EPERM\n", `p:2:15: SystemCallLog takes no errno`},
		{"SystemCallFilter=~read:0\n", `p:1:19: errno 0 makes a refused call look as if it had succeeded (with -approximate: it ` +
			`fails with EPERM)`},
		{"[Service]\nhello\n", `p:2:1: found "hello", expected a setting, as SystemCallFilter=…`},
		{"[Service]\nSystemCallFilter=read\n[Install]\nSystemCallFilter=ptrace\n",
			`p:4:1: SystemCallFilter= stands in [Install], where systemd goes past it: write it in [Service]`},
		{"[Service]\nExecStart=/bin/true\n", `p:1:1: nothing here filters system calls: SystemCallFilter= is missing`},
	} {
		_, err := Read("p", []byte(test.text), amd64)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

// socketcall and ipc, by other numbers, are the calls that they stand for: libseccomp applies to them what is said of those.
func TestMultiplexers(t *testing.T) {
	for _, test := range []struct {
		text, arch string
		wants      map[string]string // of socketcall, by its first argument
	}{
		{"SystemCallFilter=~socket\nSystemCallErrorNumber=EPERM", "386", map[string]string{"1": "errno EPERM", "2": "allow"}},
		{"SystemCallFilter=~socket:EACCES\nSystemCallErrorNumber=EPERM", "s390x",
			map[string]string{"1": "errno EACCES", "2": "allow"}},
		{"SystemCallFilter=~socketcall\nSystemCallErrorNumber=EPERM", "386",
			map[string]string{"1": "errno EPERM", "2": "errno EPERM"}},
		{"SystemCallFilter=socket bind", "ppc64le", map[string]string{"1": "allow", "2": "allow", "3": "kill"}},
		{"SystemCallFilter=socketcall", "mips", map[string]string{"1": "allow", "3": "allow"}},
		{"SystemCallFilter=socketcall\nSystemCallFilter=~socket", "mips", map[string]string{"1": "allow", "3": "allow"}},
		{"SystemCallFilter=~socket\nSystemCallLog=bind", "386", map[string]string{"1": "kill", "2": "log", "3": "allow"}},
	} {
		o := dialect.Options{Arch: test.arch}
		in, err := Read("p", []byte("SystemCallArchitectures=native\n"+test.text+"\n"), o)
		if err != nil {
			t.Fatal(err)
		}
		call, _ := in.Table.Arch.Call("socketcall")
		for sub, want := range test.wants {
			if got := in.Table.Eval(call.Nr, [6]uint64{uint64(sub[0] - '0')}).Action.Text(in.Table.Arch); got != want {
				t.Errorf("%s on %s: socketcall(%s) gets %s, want %s", test.text, test.arch, sub, got, want)
			}
		}
		o.Approximate = true
		for _, write := range []func(*dialect.Reading, dialect.Options) (*dialect.Written, error){Write, dialect.Format} {
			if _, err := write(in, o); err != nil {
				t.Errorf("%s on %s: %v", test.text, test.arch, err)
			}
		}
	}
}

// The sets are closed: every set that one has as a member is there, and none contains itself.
func TestSets(t *testing.T) {
	count := 0
	for set := range setNames() {
		count++
		var inside func(name string, way []string)
		inside = func(name string, way []string) {
			if slices.Contains(way, name) {
				t.Fatalf("%v → %s", way, name)
			}
			list, ok := members(name)
			if !ok || len(list) == 0 {
				t.Errorf("%s has no members", name)
			}
			for _, m := range list {
				if strings.HasPrefix(m, "@") {
					inside(m, append(way, name))
				}
			}
		}
		inside(set, nil)
	}
	if count < 30 {
		t.Errorf("%d sets", count)
	}
	if !strings.Contains(strings.SplitN(setsText, "\n", 2)[0], "systemd "+setsVersion) {
		t.Error("sets.txt and setsVersion speak of different releases")
	}
	known := 0
	for _, call := range dialecttest.Arch(t, "amd64").Calls() {
		if has("@known", call.Name) {
			known++
		}
	}
	if known < 340 {
		t.Error(fmt.Sprint("@known has only ", known, " calls of amd64"))
	}
}
