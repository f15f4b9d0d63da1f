package attack

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/seccomptest"
)

// The policy that is attacked, and its stages in order.
const policyFile = "../../examples/webserver/seccomp.policy"

var stages = []string{"init", "serve"}

const envStage = "STAGELOCK_ATTACK_STAGE"

var native = kernel.Native()

// An attack is one way to get around a stage.
type attack struct {
	name  string
	limit string // what docs/threat-model.md calls it, if seccomp cannot refuse it
	only  string // the one stage in which it can be tried; empty: every
	run   *seccomptest.TestCase
}

// refused is an attack that every stage holds out against. try prepares, locks the scene, and demands the refusal.
func refused(name string, try func(*scene)) attack {
	return attack{name: name, run: seccomptest.Case(name, func(c *seccomptest.C) {
		try(&scene{C: c, stage: os.Getenv(envStage)})
	})}
}

// unrefusable is an attack that works, as the paragraph of docs/threat-model.md with this heading says.
func unrefusable(limit, name string, try func(*scene)) attack {
	a := refused(name, try)
	a.limit = limit
	return a
}

// deadly is an attack of which the process dies at once.
func deadly(name string, prepare func(*scene), try func() error) attack {
	return refused(name, func(s *scene) {
		prepare(s)
		s.lock()
		s.Dies(unix.SIGSYS, name, try)
	})
}

// in restricts an attack to one stage: in another it has nothing to work with.
func (a attack) in(stage string) attack {
	a.only = stage
	return a
}

var attacks = slices.Concat(entries, arguments, files, filters, descriptors, memory, births, tracing, rings)

// A scene is the process that an attack is made in.
type scene struct {
	*seccomptest.C
	stage string // up to which it is locked
}

// lock locks the example's policy, stage by stage.
func (s *scene) lock() {
	text, err := os.ReadFile(policyFile)
	s.Must(err)
	s.Must(seccomp.Declare(policyFile, string(text)))
	s.lockTo(s.stage)
}

// lockTo locks the stages of what is declared, up to one.
func (s *scene) lockTo(last string) {
	for _, stage := range stages {
		s.Must(seccomp.Stage(stage).Lock())
		if stage == last {
			return
		}
	}
}

// lockText locks a policy of the attack's own, of one stage: for what the example's stages refuse before it comes to
// the point.
func (s *scene) lockText(text string) {
	s.Must(seccomp.Declare("attack.policy", text))
	s.Must(seccomp.Stage("init").Lock())
}

// call makes a call by its name, with pointers that are 0: what gets past the filter fails with EFAULT and changes
// nothing. It skips what this architecture lacks.
func (s *scene) call(errno syscall.Errno, name string, args ...uint64) {
	call, ok := native.Call(name)
	if !ok {
		s.Logf("%s has no %s", native.Name, name)
		return
	}
	s.Refused(errno, name, func() error { return raw(uint64(call.Nr), args...) })
}

// raw makes a call with the arguments given, the others 0.
func raw(nr uint64, args ...uint64) error {
	var a [6]uintptr
	for i, x := range args {
		a[i] = uintptr(x)
	}
	if _, _, errno := unix.RawSyscall6(uintptr(nr), a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

func TestMain(m *testing.M) {
	descend()
	seccomptest.Main(m)
}

// TestAttacks makes every attack in every stage, as whoever runs the test. Some of what an ordinary user is refused the
// kernel would refuse him anyway: .ci/run runs it as root, too.
func TestAttacks(t *testing.T) {
	for _, stage := range stages {
		for _, a := range attacks {
			if a.only != "" && a.only != stage {
				continue
			}
			t.Run(stage+"/"+a.name, func(t *testing.T) {
				t.Parallel()
				a.run.RunWith(t, seccomptest.Options{Env: []string{envStage + "=" + stage, "DIR=" + t.TempDir()}})
			})
		}
	}
}

// What the attacks know of the policy is what it has.
func TestStagesOfThePolicy(t *testing.T) {
	text, err := os.ReadFile(policyFile)
	if err != nil {
		t.Fatal(err)
	}
	f, err := rule.Parse(policyFile, string(text))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range f.Stmts {
		if s, ok := s.(*rule.Stage); ok {
			names = append(names, s.Name.Text)
		}
	}
	if !slices.Equal(names, stages) {
		t.Errorf("the policy has the stages %q, attacked are %q", names, stages)
	}
}

// What seccomp cannot refuse stands in the threat model, under the heading that the attack names.
func TestLimitsAreNamed(t *testing.T) {
	model, err := os.ReadFile(filepath.Join("..", "..", "docs", "threat-model.md"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("docs/threat-model.md is not here: this test binary was carried to another machine")
	} else if err != nil {
		t.Fatal(err)
	}
	_, limits, found := strings.Cut(string(model), "\n## What is not promised\n")
	if !found {
		t.Fatal("the threat model has no list of what is not promised")
	}
	named := 0
	for _, a := range attacks {
		if a.limit == "" {
			continue
		}
		if named++; !strings.Contains(limits, "\n- **"+a.limit+".**") && !strings.Contains(limits, "\n- **"+a.limit+"**") {
			t.Errorf("%s: the threat model does not say %q", a.name, a.limit)
		}
	}
	if named == 0 {
		t.Errorf("no attack names a limit")
	}
}

// A stage that forgets something must not pass: the attack is made where the policy has lost its rule.
func TestAttackCanSucceed(t *testing.T) {
	r := &recorder{TB: t}
	forgetful.RunWith(r, seccomptest.Options{Env: []string{"DIR=" + t.TempDir()}})
	if len(r.failures) == 0 {
		t.Error("truncating a file behind a rule that forgets O_TRUNC was not noticed")
	}
}

var forgetful = seccomptest.Case("a rule that forgets O_TRUNC", func(c *seccomptest.C) {
	s := &scene{C: c, stage: "init"}
	path := s.file()
	s.lockText("use file.read, file.io\nsys_openat: (flags & O_ACCMODE) == O_RDONLY\n")
	s.Refused(syscall.EPERM, "open to write", func() error { return s.open(path, unix.O_WRONLY) })
	s.Refused(syscall.EPERM, "truncate", func() error { return s.open(path, unix.O_TRUNC) })
})

// A recorder takes down how a test that is run under it ends.
type recorder struct {
	testing.TB
	failures []any
}

func (r *recorder) Helper()             {}
func (r *recorder) Log(...any)          {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Error(args ...any)   { r.failures = append(r.failures, args...) }
func (r *recorder) Skip(args ...any)    { r.TB.Skip(args...) }

// wide tells whether a register has bits that a 32-bit argument doesn't.
func wide() bool { return native.Bits == 64 }
