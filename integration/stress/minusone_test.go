//go:build linux

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var minusOne = flag.String("minusone", "", "run every case without each call of the floor that matches the `regexp`, and write docs/floor.md")

const floorPaper = "../../docs/floor.md"

// A want is a call of the floor: set, shapes and reasons as `stagelock sets` tells them.
type want struct {
	Name string `json:"name"`
	Rule string `json:"rule"`
	Why  string `json:"why"`
}

// floor returns the calls of the set go for a build by this toolchain, a reason for each.
func floor(t *testing.T, b build) (names []string, why map[string]string) {
	t.Helper()
	args := []string{"run", "../../cmd/stagelock", "sets", "-json", "-arch", "amd64"}
	if b.cgo {
		args = append(args, "-cgo")
	}
	cmd := exec.Command("go", append(args, "go")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Calls []want }
	if err := json.Unmarshal(out, &set); err != nil {
		t.Fatal(err)
	}
	why = make(map[string]string)
	for _, c := range set.Calls {
		if why[c.Name] == "" {
			names = append(names, c.Name)
			why[c.Name] = c.Why
		} else if c.Why != why[c.Name] {
			why[c.Name] += "; " + c.Why
		}
	}
	return names, why
}

// kept are calls that a stage can't be without: Lock refuses to leave out what it reads back with.
var kept = map[string]string{"pread64": "Lock reads with it that the stage is in force, and refuses to give it up before"}

// rare says of calls that no case here misses why they are in the floor, where the policy's reason doesn't say it all.
var rare = map[string]string{
	"clock_gettime": "the vDSO answers on this machine; where the clock source is none that it can read, as under some hypervisors, the kernel does",
	"epoll_ctl":     "under the floor alone there is nothing to poll: whatever set has descriptors needs it",
	"mremap":        "realloc of a large block, which C makes: see testdata/c",
	"tkill":         "abort() by musl, which the C library here is not: see c_test.go",
	"brk":           "malloc in the main arena, which C makes: see testdata/c",
}

// floorCases are those that need nothing beyond the floor.
func floorCases() (list []stressCase) {
	for _, c := range slices.Concat(memoryCases, threadCases, pollCases, signalCases, crashCases, areaCases) {
		if c.sets == "" {
			list = append(list, c)
		}
	}
	return list
}

// symptom says in a word or two how a run ended that should have ended as unlocked did; empty: as that did.
func symptom(unlocked, got outcome) string {
	switch {
	case cmp.Equal(unlocked, got):
		return ""
	case got.Signal == syscall.SIGSYS:
		return "killed"
	case got.Signal == syscall.SIGKILL:
		return "hangs"
	case got.Reason != "" && got.Reason != unlocked.Reason:
		return strings.TrimRight(got.Reason, ": ")
	case got.Signal == 0 && unlocked.Signal != 0:
		return "outlives the signal"
	case got.Signal != unlocked.Signal:
		return got.Signal.String()
	case got.Exit != unlocked.Exit:
		return fmt.Sprintf("exit %d", got.Exit)
	}
	return "ends otherwise"
}

// without runs a case without one call of the floor.
func (b build) without(t *testing.T, name, call, deny string, unlocked outcome) string {
	got, _ := b.runFor(t, 12*time.Second, name, deny, []string{"STRESS_RULES=sys_" + call + ": 0 including go"})
	return symptom(unlocked, got)
}

// TestMinusOne shows, for the calls whose loss shows at once, that the floor is not wider than it has to be; with
// -minusone it tries each call, in every case, and writes what came out to docs/floor.md.
func TestMinusOne(t *testing.T) {
	paper, err := os.ReadFile(floorPaper)
	if err != nil {
		t.Fatal(err)
	}
	if *minusOne != "" {
		writeFloor(t, string(paper))
		return
	}
	for _, b := range builds[:1] { // what C calls is a matter of the C library
		rows := floorRows(string(paper), b.name)
		names, _ := floor(t, b)
		for _, name := range names {
			if rows[name] == nil {
				t.Errorf("docs/floor.md, %s: nothing on %s, which is in the floor: run go test ./integration/stress -run MinusOne -minusone '^%[2]s$'", b.name, name)
			}
		}
		for name := range rows {
			if !slices.Contains(names, name) {
				t.Errorf("docs/floor.md, %s: %s is not in the floor any more: run go test ./integration/stress -run MinusOne -minusone '^%[2]s$'", b.name, name)
			}
		}
	}
	rows := floorRows(string(paper), builds[0].name)
	// Cases that can't do without the call: hello, say, makes futex only where a thread happens to sleep or to be woken.
	for call, name := range map[string]string{
		"futex": "block", "exit_group": "exit", "rt_sigreturn": "nilrecovered", "clone": "block", "exit": "threadexit",
		"rt_sigprocmask": "block", "mmap": "grow", "write": "panic", "restart_syscall": "stop",
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			unlocked, _ := builds[0].run(t, name, "", nil)
			if builds[0].without(t, name, call, "kill", unlocked) == "" {
				t.Errorf("%s ends as it does unlocked, though %s kills", name, call)
			}
			if !slices.Contains(strings.Split(rows[call][0], ", "), name) {
				t.Errorf("docs/floor.md doesn't say that %s needs %s", name, call)
			}
		})
	}
}

// floorRows reads the rows of a build's table: by call, the cases that end otherwise where it kills.
func floorRows(paper, build string) map[string][]string {
	_, text, _ := strings.Cut(paper, "\n## "+headings[build]+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	rows := make(map[string][]string)
	for _, line := range strings.Split(text, "\n") {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| `") && len(cells) == 4 {
			rows[strings.Trim(cells[0], "| `")] = cells[1:]
		}
	}
	return rows
}

var headings = map[string]string{"pure": "Without cgo", "cgo": "With cgo"}

const floorHead = `# The floor, minus one

Every call that the set ` + "`go`" + ` allows was taken away alone, and the stress of integration/stress run without it: the cases
that need no set beyond the floor, first refusing by kill, then by EPERM. ` + "`go test ./integration/stress -run MinusOne -minusone . -timeout 1h`" + `
makes this table, or the rows of the calls that match; an ordinary test run tries the calls whose loss shows at once. A case that ends as it does unlocked is
not named. Killing shows who makes the call at all, which is partly chance; EPERM shows who can't go on without its answer.
Calls that no case misses have their reason beside them, and all have it in runtimeset/go.policy.
`

// writeFloor makes docs/floor.md; of calls that are not asked for it keeps what the paper says.
func writeFloor(t *testing.T, paper string) {
	asked, err := regexp.Compile(*minusOne)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(floorHead)
	version, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, build := range builds {
		build.make(t)
		names, why := floor(t, build)
		rows := floorRows(paper, build.name)
		fmt.Fprintf(&b, "\n## %s\n\n%s, amd64.\n\n| call | missed where it kills, by | missed where it is EPERM, by | |\n|---|---|---|---|\n",
			headings[build.name], strings.TrimSpace(string(version)))
		needed := 0
		for _, call := range names {
			if row := rows[call]; row != nil && !asked.MatchString(call) {
				fmt.Fprintf(&b, "| `%s` | %s\n", call, strings.Join(row, " | "))
				if row[0] != dash(nil, "") {
					needed++
				}
				continue
			}
			var killed, refused []string
			if _, ok := kept[call]; !ok {
				killed, refused = build.miss(t, call)
			}
			reason := kept[call]
			if len(killed) == 0 && reason == "" {
				if reason = rare[call]; reason == "" {
					reason = why[call]
				}
			}
			if len(killed) > 0 {
				needed++
			}
			t.Logf("%s: %v; %v", call, killed, refused)
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", call, dash(killed, ", "), dash(refused, "; "), reason)
		}
		fmt.Fprintf(&b, "\nOf %d calls %d are missed by a case.\n", len(names), needed)
	}
	if err := os.WriteFile(floorPaper, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// miss returns the cases that don't end as unlocked without a call: where it kills, and, with what was seen, where it is
// refused with EPERM.
func (b build) miss(t *testing.T, call string) (killed, refused []string) {
	var mu sync.Mutex
	symptoms := make(map[string][]string)
	t.Run(b.name+" "+call, func(t *testing.T) {
		for _, c := range floorCases() {
			if _, ok := pureOnly[c.name]; ok && b.name != "pure" {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				unlocked, _ := b.run(t, c.name, "", nil)
				if b.without(t, c.name, call, "kill", unlocked) == "" {
					return // it isn't made
				}
				s := b.without(t, c.name, call, "errno", unlocked)
				mu.Lock()
				defer mu.Unlock()
				killed = append(killed, c.name)
				if s != "" {
					symptoms[s] = append(symptoms[s], c.name)
				}
			})
		}
	})
	slices.Sort(killed)
	for _, s := range slices.Sorted(maps.Keys(symptoms)) {
		slices.Sort(symptoms[s])
		refused = append(refused, strings.Join(symptoms[s], ", ")+" ("+s+")")
	}
	return killed, refused
}

func dash(list []string, sep string) string {
	if len(list) == 0 {
		return "–"
	}
	return strings.Join(list, sep)
}
