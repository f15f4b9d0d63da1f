package main

import (
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagelock/seccomp/launch"
	"github.com/stagelock/seccomp/proc"
)

func TestMain(m *testing.M) {
	launch.Main() // `stagelock run -report` starts itself
	testscript.Main(cleaning{m}, map[string]func(){"stagelock": main})
}

// cleaning runs the tests, and then what some left to be done in the end.
type cleaning struct{ *testing.M }

var cleanups []func()

func (c cleaning) Run() int {
	code := c.M.Run()
	for _, f := range cleanups {
		f()
	}
	return code
}

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestScripts runs the scripts in testdata. Beside testscript's own commands they have
//
//	exits CODE COMMAND [ARG…]
//
// which runs a command that must exit with just that code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: false,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Condition: func(name string) (bool, error) {
			if name != "static" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return static()
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "")
			env.Setenv("PATH", searchable(env.Getenv("PATH")))
			if own, err := (proc.FS{}).Threads(os.Getpid()); err == nil {
				env.Setenv("ONE_FILTER_MORE", strconv.Itoa(own[0].Filters+1)) // than a container may have
			}
			return nil
		},
	})
}

// static tells whether this program, the stagelock of the scripts, starts without opening libraries. Under the race
// detector it doesn't.
func static() (bool, error) {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return false, err
	}
	defer f.Close()
	return !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }), nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// TestHelpIsComplete holds the usage texts to what the design says of the command line.
func TestHelpIsComplete(t *testing.T) {
	for _, c := range commands() {
		if c.brief == "" || c.synopsis == "" || c.help == "" {
			t.Errorf("%s: its usage text lacks something", c.name)
		}
		fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.action.flags(fs)
		fs.VisitAll(func(f *flag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: -%s has no usage text", c.name, f.Name)
			}
		})
	}
}

// TestFullDisk: a result that can't be written is no success.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full: ", err)
	}
	defer full.Close()
	var errs strings.Builder
	if code := run([]string{"sets", "go"}, nil, full, &errs); code != exitNo || !strings.Contains(errs.String(), "no space left") {
		t.Errorf("exit code %d, want %d: %s", code, exitNo, &errs)
	}
}

// searchable returns a PATH without the directories that this user may not search: a program that is nowhere would be
// one that can't be run.
func searchable(path string) string {
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "no-such-program"))
		return !errors.Is(err, fs.ErrNotExist)
	})
	return strings.Join(dirs, string(filepath.ListSeparator))
}
