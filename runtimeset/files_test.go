package runtimeset

import (
	"go/build/constraint"
	"go/version"
	"slices"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/rule"
	"github.com/stagelock/seccomp/runtimeset/internal/compiled"
)

// parse returns every file of the package whole, whatever build it is for.
func parse(t *testing.T) []*rule.File {
	t.Helper()
	list, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var all []*rule.File
	for _, e := range list {
		src, err := files.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		f, err := rule.Parse(e.Name(), src)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Stmts) == 0 {
			t.Fatalf("%s says nothing", e.Name())
		}
		all = append(all, f)
	}
	return all
}

// isSet tells whether a file declares a set.
func isSet(f *rule.File) bool {
	return f.Name != compiled.PolicyFile
}

func TestEachFileHasASentence(t *testing.T) {
	for _, f := range parse(t) {
		before := f.Stmts[0].Notes().Before
		end := slices.Index(before, "")
		if end < 1 {
			if !isSet(f) {
				continue
			}
			t.Errorf("%s: does not begin with a comment and an empty line", f.Name)
			continue
		}
		doc := strings.Join(before[:end], " ")
		if !strings.HasSuffix(doc, ".") {
			t.Errorf("%s: %q is no sentence", f.Name, doc)
		}
	}
}

func TestEachRuleHasAReason(t *testing.T) {
	for _, f := range parse(t) {
		if !isSet(f) {
			continue
		}
		for _, x := range f.Stmts {
			switch x := x.(type) {
			case *rule.Rule:
				if len(x.Notes().After) < len("the same") {
					t.Errorf("%s:%v: %s has no reason", f.Name, x.Pos, x.Call.Name)
				}
			case *rule.Use:
			default:
				t.Errorf("%s:%v: a set holds rules and use only", f.Name, x.Start())
			}
		}
	}
}

func TestConstraints(t *testing.T) {
	known := func(tag string) bool {
		_, isArch := arches[tag]
		isSetting := slices.ContainsFunc(settings[:], func(s struct{ name, since string }) bool { return s.name == tag })
		return isArch || isSetting || tag == "cgo" || tag == "race" ||
			version.IsValid(tag) && version.Lang(tag) == tag && version.Compare(tag, "go"+Newest) <= 0
	}
	for _, f := range parse(t) {
		for i, x := range f.Stmts {
			before := x.Notes().Before
			for j, line := range before {
				if !strings.HasPrefix(line, "go:") {
					continue
				}
				at := f.Name + ":" + x.Start().String()
				if i == 0 {
					t.Errorf("%s: the first paragraph, which has the sentence, is constrained", at)
				}
				if j+1 < len(before) && before[j+1] == "" {
					t.Errorf("%s: an empty line stands behind the constraint, which ends its paragraph", at)
				}
				expr, err := constraint.Parse("//" + line)
				if err != nil {
					t.Errorf("%s: %v", at, err)
					continue
				}
				expr.Eval(func(tag string) bool {
					if !known(tag) {
						t.Errorf("%s: unknown tag %s", at, tag)
					}
					return false
				})
			}
		}
	}
}

// The GOARCHes that Linux Go has.
var arches = map[string]struct{}{
	"386": {}, "amd64": {}, "arm": {}, "arm64": {}, "loong64": {}, "mips": {}, "mipsle": {}, "mips64": {},
	"mips64le": {}, "ppc64": {}, "ppc64le": {}, "riscv64": {}, "s390x": {},
}

// A value that only the process knows may be left open where it doesn't bind: behind a ! or a != that would refuse
// what has to be allowed.
func TestSymbolsStandInPositivePositions(t *testing.T) {
	n := 0
	for _, f := range parse(t) {
		for _, x := range f.Stmts {
			r, ok := x.(*rule.Rule)
			if !ok {
				continue
			}
			walk(r.Verdict, true, func(x rule.Expr, positive bool) {
				c, ok := x.(*rule.Compare)
				if !ok {
					if in, ok := x.(*rule.In); ok {
						for _, v := range in.List {
							if symbol(v.Lo) {
								t.Errorf("%s:%v: a symbol in a list", f.Name, v.Lo.Start())
							}
						}
					}
					return
				}
				if !symbol(c.X) {
					return
				}
				n++
				if !positive || c.Op != rule.Eq || c.Mask != nil {
					t.Errorf("%s:%v: a symbol that is not plainly compared", f.Name, c.Pos)
				}
			})
		}
	}
	if n == 0 {
		t.Error("no symbol was found")
	}
}

func symbol(v rule.Value) bool {
	id, ok := v.(*rule.Ident)
	return ok && strings.Contains(id.Name, ".")
}

func walk(x rule.Expr, positive bool, visit func(x rule.Expr, positive bool)) {
	visit(x, positive)
	switch x := x.(type) {
	case *rule.Or:
		for _, y := range x.X {
			walk(y, positive, visit)
		}
	case *rule.And:
		for _, y := range x.X {
			walk(y, positive, visit)
		}
	case *rule.Not:
		walk(x.X, !positive, visit)
	case *rule.Paren:
		walk(x.X, positive, visit)
	}
}

// Calls that no area has a purpose for: a program that needs one says so in its own policy.
var never = strings.Fields(`
	acct add_key adjtimex bpf chroot clock_adjtime clock_settime clone3 create_module delete_module
	execveat fanotify_init finit_module fsconfig fsmount fsopen fspick get_kernel_syms init_module
	io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl
	landlock_restrict_self lookup_dcookie mbind memfd_secret migrate_pages modify_ldt mount mount_setattr
	move_mount move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree openat2 creat
	perf_event_open personality pidfd_getfd pivot_root pkey_mprotect process_madvise process_vm_readv
	process_vm_writev ptrace quotactl quotactl_fd reboot remap_file_pages request_key set_mempolicy
	setdomainname setfsgid setfsuid sethostname setns settimeofday shmat shmget stime swapoff swapon
	syslog umount umount2 unshare uselib userfaultfd ustat vhangup vm86 vm86old vmsplice mknod mknodat
	fork vfork rt_sigqueueinfo rt_tgsigqueueinfo`)

// Calls of which no set may allow just any: what they do hangs on their arguments.
var shaped = strings.Fields(`
	clone fcntl fcntl64 ioctl mmap mmap2 mprotect open openat prctl prlimit64 seccomp setsockopt socket
	socketcall socketpair tkill`)

func TestDangerousCalls(t *testing.T) {
	for _, f := range parse(t) {
		if !isSet(f) || f.Name == compiled.FallbackFile {
			continue
		}
		for _, x := range f.Stmts {
			r, ok := x.(*rule.Rule)
			if !ok {
				continue
			}
			if r.Call.Nr != nil {
				t.Errorf("%s:%v: a call without a name", f.Name, r.Pos)
			}
			if slices.Contains(never, r.Call.Name) {
				t.Errorf("%s:%v: %s is never granted", f.Name, r.Pos, r.Call.Name)
			}
			if n, plain := r.Verdict.(*rule.Number); plain {
				if n.Abs != 1 {
					t.Errorf("%s:%v: a set refuses nothing", f.Name, r.Pos)
				}
				onS390X := r.Call.Name == "mmap" && slices.Contains(r.Notes().Before, "go:build s390x") // a pointer to them
				if slices.Contains(shaped, r.Call.Name) && !onS390X {
					t.Errorf("%s:%v: %s is never granted whatever its arguments", f.Name, r.Pos, r.Call.Name)
				}
			}
		}
	}
}

func TestFallbacksOnlyRefuse(t *testing.T) {
	seen := make(map[string]bool)
	for _, x := range textsFor(Build{Arch: "amd64", Cgo: true}).FallbackText().Stmts {
		r, ok := x.(*rule.Rule)
		if !ok {
			t.Fatalf("%v: no rule", x.Start())
		}
		if n, ok := r.Verdict.(*rule.Number); !ok || n.Abs != 0 || len(r.Rest().Else) == 0 {
			t.Errorf("%v: %s: the verdict of a fallback is 0, and an errno follows", r.Pos, r.Call.Name)
		}
		for _, e := range r.Rest().Else {
			if e.Action.Name != "errno" {
				t.Errorf("%v: %s: %s is no way for libc to go on", r.Pos, r.Call.Name, e.Action.Name)
			}
		}
		if seen[r.Call.Name] {
			t.Errorf("%v: %s twice", r.Pos, r.Call.Name)
		}
		seen[r.Call.Name] = true
	}
}

func TestUseNamesSets(t *testing.T) {
	names := For(Build{}).Names()
	for _, f := range parse(t) {
		for _, x := range f.Stmts {
			var list []rule.Name
			switch x := x.(type) {
			case *rule.Use:
				list = x.Sets
			case *rule.Drop:
				list = x.Sets
			}
			for _, n := range list {
				if !slices.Contains(names, n.Text) {
					t.Errorf("%s:%v: no set %s", f.Name, n.Pos, n.Text)
				}
			}
		}
	}
}
