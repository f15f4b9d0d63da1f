package lint

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset"
	"github.com/stagelock/seccomp/stage"
)

// check returns the warnings about a policy on amd64, a line each.
func check(t *testing.T, text string) []string {
	t.Helper()
	return checkOn(t, "amd64", text)
}

func checkOn(t *testing.T, goarch, text string) []string {
	t.Helper()
	arch, ok := kernel.ByName(goarch)
	if !ok {
		t.Fatal("no tables for ", goarch)
	}
	f, err := rule.Parse("p", text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Check(f, policy.Target{Arch: arch, Sets: runtimeset.For(runtimeset.Build{Arch: goarch})})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := stage.New(p, stage.Env{"self.pid": 1000, "runtime.epollfd": 4, "runtime.eventfd": 5})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range Check(plan) {
		got = append(got, fmt.Sprintf("%v: %s", n.Pos, n.Text))
	}
	return got
}

func TestWarnings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing to say", "use file.read, file.io, net.server\nsys_socket: family == AF_INET && type == SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK && protocol == 0", ""},
		{"rules that are all comments", "stage init\n# use file.io\nstage serve\nsys_futex: 0 including go",
			"1:1: stage init grants nothing: it leaves what the Go runtime itself needs, and no later stage can have more"},
		{"a deny alone", "deny kill", "1:1: stage init grants nothing"},
		{"go alone, which is in force without being named", "use go", "1:1: stage init grants nothing"},
		{"nothing for a Go program to come", "on_next_syscall: 1\nuse go", "1:1: stage init grants nothing: it leaves what the Go runtime itself needs"},
		{"nothing for a program to come", "on_next_syscall: 1", "1:1: stage init grants nothing: the program could not even end"},
		{"a set that has nothing", "set mine { }\nuse mine", "1:1: stage init grants nothing"},
		{"a set that is dropped again", "use file.io\ndrop file.io", "1:1: stage init grants nothing"},
		{"a refusal of what nobody allows", "use file.io\nsys_ptrace: 0",
			"2:1: this has no effect: nothing in stage init allows sys_ptrace"},
		{"a refusal of what only the floor allows", "use file.io\nsys_mmap: 0",
			"2:1: this has no effect: of sys_mmap only what the Go runtime needs is allowed here; including go takes that too"},
		{"a refusal with an action has an effect", "use file.io\nsys_ptrace: 0 else kill", ""},
		{"what a set says already", "use file.io\nsys_read: 1", "2:1: this has no effect: file.io says the same"},
		{"a later rule that changes nothing", "stage a\nuse file.io\nstage b\ndrop file.io\nsys_ptrace: 0",
			"5:1: this has no effect: stage a left sys_ptrace just so"},
		{"a set drowned by only", "stage a\nuse file, net.server\nstage b\nuse net.server\nonly file.io",
			"4:5: use net.server has no effect: only, in line 5, leaves no other sets than it names"},
		{"a narrower word silenced", "use net.server\nsys_socket: 1",
			"2:1: this speaks instead of net.listen, and leaves open what that limits: family and type and protocol of sys_socket"},
		{"an argument forgotten", "use net.server\nsys_socket: family == AF_INET && (type & 0xf) == SOCK_STREAM",
			"2:1: this speaks instead of net.listen, and leaves open what that limits: protocol of sys_socket"},
		{"wider, but thought of", "use net.server\nsys_socket: family == AF_INET && (type & 0xf) == SOCK_STREAM && protocol == 0", ""},
		{"a type compared whole", "use net.server\nsys_socket: family == AF_INET && type == SOCK_STREAM && protocol == 0",
			"2:1: this never holds for Go: type of sys_socket is compared whole, and Go always sets SOCK_CLOEXEC in it: write (type & 0xf) == …"},
		{"both compared, for C and for Go", "use net.server\nsys_socket: family == AF_INET && type in {SOCK_STREAM, " +
			"SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK} && protocol == 0", ""},
		{"a refused type compared whole", "use net.server\nsys_socket: family == AF_INET && type != SOCK_RAW && protocol == 0",
			"2:1: this never holds for Go: type of sys_socket is compared whole, and Go always sets SOCK_CLOEXEC in it: write (type & 0xf) == …"},
		{"flags of inotify", "use file.io\nsys_inotify_init1: flags == 0",
			"2:1: this never holds for Go: flags of sys_inotify_init1 is compared whole, and Go always sets IN_CLOEXEC in it: write !(flags & ~(IN_CLOEXEC|IN_NONBLOCK))"},
		{"O_CREAT forgotten", "use file.io\nsys_openat: (flags & O_ACCMODE) == O_RDONLY",
			"2:1: this is meant to be read-only and lets O_CREAT through: write (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY"},
		{"O_TRUNC forgotten", "use file.io\nsys_openat: (flags & (O_ACCMODE|O_CREAT)) == O_RDONLY",
			"2:1: this is meant to be read-only and lets O_TRUNC through: write (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY"},
		{"dfd", "use file.io\nsys_openat: dfd == AT_FDCWD && (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY",
			"2:1: dfd of sys_openat says little: the kernel ignores it where the path is absolute, and the filter cannot see the path"},
		{"two dfds", "use file.write\nsys_renameat2: newdfd == AT_FDCWD && flags == 0",
			"2:1: newdfd of sys_renameat2 says little: the kernel ignores it where the path is absolute, and the filter cannot see the path"},
		{"the last companion of what a set allows", "use net.listen\nset answers { sys_accept4: 1 }\nuse answers, file.io\nsys_accept4: 0",
			"4:1: this makes sys_listen useless, which stage init still allows: none of accept, accept4 is left"},
		{"a program without memory", "on_next_syscall: 1\nuse file.read\nsys_execve: 1",
			"3:1: sys_execve is of no use here: stage init allows none of mmap, mmap2, brk"},
		{"a program with the floor's memory", "on_next_syscall: 1\nuse go, file.read\nsys_execve: 1", ""},
		{"a refused companion", "sys_socket: family == AF_INET",
			"1:1: sys_socket is of no use here: stage init allows none of connect, bind, sendto, sendmsg, ioctl"},
		{"the other way to open", "use file.io\nsys_openat: (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY\nsys_open: 1",
			"2:1: this limits sys_openat, while sys_open is free and opens files too"},
		{"the newer way to open", "use file.io\nsys_openat: (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY\nsys_openat2: 1",
			"2:1: this limits sys_openat, while sys_openat2 is free and opens files too"},
		{"creat", "use file.io\nsys_openat: (flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY\nsys_creat: 1",
			"2:1: this limits sys_openat, while sys_creat is free and opens files too"},
		{"a way to open beside the set's", "use file.read, file.io\nsys_openat2: 1",
			"2:1: this frees sys_openat2, while sys_openat, which opens files too, is limited by the sets in force"},
		{"a way to open beside a free one", "use file.io\nsys_openat: 1\nsys_openat2: 1", ""},
		{"what the floor allows", "use file.io\nsys_futex: 1",
			"2:1: this has no effect: the Go runtime needs it, so every stage allows it"},
		{"more than the floor allows", "use file.io\nsys_mmap: (prot & PROT_EXEC) == 0", ""},
		{"a refusal with another errno", "use file.io\nsys_openat2: 0", ""},
		{"logged, and made", "use file.io\nsys_ptrace: 0 else log", "2:1: sys_ptrace is a risky grant: whoever may trace a process acts through it"},
		{"a risky grant", "use file.io\nsys_ptrace: 1", "2:1: sys_ptrace is a risky grant: whoever may trace a process acts through it"},
		{"in an own set", "use file.io\nset mine { sys_bpf: 1 }\nuse mine", "2:12: sys_bpf is a risky grant: it loads programs into the kernel"},
		{"TIOCSTI", "use file.io\nsys_ioctl: fd == 0", "2:1: sys_ioctl is a risky grant: with TIOCSTI or TIOCLINUX it types into the terminal that started the program"},
		{"ioctl with its commands named", "use file.io\nsys_ioctl: fd == 0 && cmd in {TCGETS, TIOCGWINSZ}", ""},
		{"children", "use file.io, exec.start, exec.wait", "1:1: stage init lets the process start programs, and they inherit it"},
		{"children that are provided for", "use file.io, exec.start, exec.wait, exec.static", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := check(t, tt.text)
			if tt.want == "" {
				if diff := cmp.Diff([]string(nil), got); diff != "" {
					t.Error(diff)
				}
				return
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
				t.Errorf("the warnings are %q, want %q", got, tt.want)
			}
		})
	}
}

// Each of the risky calls is named where what makes it one is let through, and not where it isn't.
func TestRiskyGrants(t *testing.T) {
	amd64, _ := kernel.ByName("amd64")
	var names []string
	for _, r := range risksOn(amd64).Rules {
		names = append(names, r.Name)
		want := fmt.Sprintf("2:1: sys_%s is a risky grant: %s", r.Name, r.Origin.Why)
		for _, text := range []string{"1", "0 else log"} {
			if got := check(t, "use file.io\nsys_"+r.Name+": "+text); r.Origin.Why == "" || !slices.Contains(got, want) {
				t.Errorf("%s: %s: %q, want %q", r.Name, text, got, want)
			}
		}
		for _, text := range []string{"0 else kill", "0 else errno(ENOSYS)"} {
			if got := check(t, "use file.io\nsys_"+r.Name+": "+text); len(got) != 0 {
				t.Errorf("%s: %s: %q", r.Name, text, got)
			}
		}
	}
	for _, name := range strings.Fields("ptrace bpf mount io_uring_setup process_vm_writev pidfd_getfd userfaultfd personality " +
		"pkey_mprotect shmat execveat ioctl") {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not among the risky calls", name)
		}
	}
	for _, goarch := range kernel.Names() {
		arch, _ := kernel.ByName(goarch)
		if n := len(risksOn(arch).Rules); n < len(names)-3 { // iopl and ioperm are x86's, pkey_mprotect and others not everyone's
			t.Errorf("%s has %d risky calls, amd64 %d", goarch, n, len(names))
		}
	}
}

// A condition makes a grant no less risky unless it leaves out what the risk is.
func TestRiskyConditions(t *testing.T) {
	for text, risky := range map[string]bool{
		"sys_ptrace: request == PTRACE_TRACEME":                                false,
		"sys_ptrace: pid == self.pid":                                          true,
		"sys_bpf: cmd == BPF_MAP_LOOKUP_ELEM":                                  true,
		"sys_pkey_mprotect: pkey == 1":                                         true,
		"sys_pkey_mprotect: pkey == 1 && (prot & PROT_EXEC) == 0":              false,
		"sys_pkey_mprotect: (prot & PROT_EXEC) == 0 else log if pkey == 1":     true,
		"sys_pkey_mprotect: 0 else kill if prot & PROT_EXEC else log":          false,
		"sys_shmat: !(shmflg & ~SHM_RDONLY)":                                   false,
		"sys_shmat: shmid == 5":                                                true,
		"sys_personality: personality in {0, 8, 0x20000, 0x20008, 0xffffffff}": false, // container engines' own
		"sys_personality: personality == 0x400000":                             true,
		"sys_execveat: flags == 0":                                             false,
		"sys_unshare: unshare_flags == CLONE_FILES":                            false,
		"sys_unshare: unshare_flags in {CLONE_NEWUSER, CLONE_NEWNET}":          true,
		"sys_seccomp: op == SECCOMP_GET_ACTION_AVAIL":                          false,
		"sys_open_tree: !(flags & OPEN_TREE_CLONE)":                            false,
		"sys_ioctl: cmd != TIOCSTI":                                            true,
		"sys_ioctl: cmd != TIOCSTI && cmd != TIOCLINUX":                        false,
		"sys_clone: clone_flags & CLONE_NEWUSER":                               true,
		"sys_clone: clone_flags == CLONE_VM|CLONE_VFORK|SIGCHLD":               false,
		"sys_clone3: 1": true,
		"sys_userfaultfd: flags == UFFD_USER_MODE_ONLY": false,
		"sys_userfaultfd: flags == 0":                   true,
		// What is granted already, or taken away, is no grant.
		"use all\nsys_personality: personality != 5":                                              false,
		"sys_ptrace: request == PTRACE_TRACEME\nstage serve\nsys_ptrace: pid == 0":                false,
		"set mine { sys_bpf: 1 }\nuse mine\nsys_bpf: 0":                                           false,
		"set mine { sys_ptrace: 1 }\nuse mine\nsys_ptrace: request == PTRACE_TRACEME":             false,
		"set mine { sys_ptrace: 1 }\nuse mine\nstage serve\nsys_ptrace: request == PTRACE_ATTACH": true,
	} {
		got := slices.ContainsFunc(check(t, "stage init\nuse file.io\n"+text), func(w string) bool { return strings.Contains(w, "is a risky grant") })
		if got != risky {
			t.Errorf("%s: said to be a risky grant: %t", text, got)
		}
	}
}

// On ppc64le the argument is as wide as a register, of which the kernel's own function reads 32 bits.
func TestRiskyPersonality(t *testing.T) {
	if got := checkOn(t, "ppc64le", "use file.io\nsys_personality: personality == 0xffffffffffffffff"); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// What is too hard to decide about one rule leaves the warnings about others alone.
func TestHardRule(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	lines := []string{"use file.io"}
	for _, call := range []string{"lseek: fd offset", "pread64: fd pos", "pwrite64: fd pos", "shmget: key size", "fcntl: fd arg"} {
		w := strings.Fields(call)
		var hard []string
		for range 600 {
			hard = append(hard, fmt.Sprintf("(%s == %d && %s == %d)", w[1], rng.Int32(), w[2], rng.Uint64()>>1))
		}
		lines = append(lines, "sys_"+w[0]+" "+strings.Join(hard, " || "))
	}
	for _, last := range []string{"", "sys_ptrace: 1"} {
		got := check(t, strings.Join(append(lines, last), "\n"))
		warned := slices.ContainsFunc(got, func(w string) bool { return strings.Contains(w, "sys_ptrace is a risky grant") })
		if warned != (last != "") {
			t.Errorf("%q", got)
		}
	}
}

// The examples, the default policy and every built-in set are written with thought: there is nothing to warn of but
// what they can't help.
func TestNoFalseAlarms(t *testing.T) {
	_, text := runtimeset.Default()
	texts := map[string]string{"default": text}
	for _, s := range runtimeset.For(runtimeset.Build{Arch: "amd64"}).Names() {
		texts["set "+s] = "use " + s
	}
	files, err := filepath.Glob("../examples/*/*.policy")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[f] = string(b)
	}
	if len(texts) < 40 {
		t.Errorf("only %d policies", len(texts))
	}
	for name, text := range texts {
		for _, arch := range kernel.Names() {
			for _, w := range checkOn(t, arch, text) {
				switch {
				case strings.Contains(w, "does not limit sys_socketcall") && (arch == "386" || arch == "s390x"): // Go's own way there
				case strings.Contains(w, "grants nothing") && name == "set go":
				case strings.Contains(w, "lets the process start programs") && strings.HasPrefix(name, "set exec"):
				default:
					t.Errorf("%s on %s: %s", name, arch, w)
				}
			}
		}
	}
}
