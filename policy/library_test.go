package policy

import (
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// A fakeLibrary has built-in sets by name, each a policy text.
type fakeLibrary map[string]string

func (l fakeLibrary) Text(name string) (*rule.File, bool) {
	text, ok := l[name]
	if !ok || name == fallbackText {
		return nil, false
	}
	return l.parse(name, text), true
}

func (l fakeLibrary) Names() []string {
	return []string{"exec", "file", "file.io", "file.read", "lock", "net", "time.zone"}
}

func (l fakeLibrary) FallbackText() *rule.File { return l.parse(fallbackText, l[fallbackText]) }

func (fakeLibrary) parse(name, text string) *rule.File {
	f, err := rule.Parse(name+".policy", text)
	if err != nil {
		panic(err)
	}
	return f
}

const fallbackText = "fallbacks"

var library = fakeLibrary{
	"go": `# What the Go runtime must be able to do.

sys_futex: 1  # runtime.futex
sys_mmap: addr == 0 && prot in {0, PROT_READ|PROT_WRITE}  # sysMap
sys_tgkill: tgid == self.pid && sig == SIGURG  # preemptM
sys_time: 1   # not on arm64
`,
	"lock":      "# What locking takes.\n\nsys_seccomp: 1\n",
	"file":      "# Files.\n\nuse file.io, file.read\n",
	"file.io":   "# Use what is open.\n\nsys_read: 1\nsys_write: 1\n",
	"file.read": "# Open for reading.\n\nsys_openat: (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY\n",
	"net":       "# The network.\n\nsys_socket: family in {AF_INET, AF_INET6}\nsys_connect: 1\n",
	"time.zone": "# Time zones.\n\nsys_openat: 1\n",
	"exec":      "# Programs.\n\nsys_execve: 1\n",
	fallbackText: `sys_clone3: 0 else errno(ENOSYS)
sys_prctl: 0 else errno(EINVAL) if option == PR_SET_VMA
`,
}

// target is what the tests check for, where nothing else matters.
func target(t testing.TB, arch string) Target {
	t.Helper()
	a, ok := kernel.ByName(arch)
	if !ok {
		t.Fatalf("no architecture %s", arch)
	}
	return Target{Arch: a, Sets: Read(library)}
}

// check parses and checks a text.
func check(t testing.TB, text string) (*Policy, error) {
	t.Helper()
	f, err := rule.Parse("p", text)
	if err != nil {
		return nil, err
	}
	return Check(f, target(t, "amd64"))
}

// mustCheck is check for a text without mistakes.
func mustCheck(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := check(t, text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return p
}
