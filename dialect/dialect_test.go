package dialect_test

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/beats"
	"github.com/stagelock/seccomp/dialect/internal/dialecttest"
	"github.com/stagelock/seccomp/dialect/oci"
	"github.com/stagelock/seccomp/dialect/systemd"
	"github.com/stagelock/seccomp/policy"
)

// dialects are all there are, with the policy language itself.
var dialects = map[string]struct {
	read  dialecttest.Reader
	write dialecttest.Writer
}{
	"beats": {beats.Read, beats.Write},
	"oci": {func(name string, text []byte, o dialect.Options) (*dialect.Reading, error) {
		return oci.Read(name, text, oci.Options{Options: o})
	}, oci.Write},
	"systemd": {systemd.Read, systemd.Write},
	"stagelock": {func(name string, text []byte, o dialect.Options) (*dialect.Reading, error) {
		return dialect.Check(name, string(text), o)
	}, dialect.Format},
}

// rules are what random policies are made of.
var rules = []string{
	"sys_socket: family in {AF_INET, AF_INET6} && (type & 15) == SOCK_STREAM",
	"sys_socket: family != 40 else errno(EAFNOSUPPORT)",
	"sys_mmap: (prot & PROT_EXEC) == 0 && (fd == -1 || flags & MAP_PRIVATE)",
	"sys_mmap: 0 else kill if prot & PROT_EXEC else errno(ENOMEM)",
	"sys_clone: (clone_flags & 0x7e020000) == 0 else errno(ENOSYS)",
	"sys_ioctl: !(cmd == TIOCSTI || cmd == TIOCLINUX)",
	"sys_kill: pid > 1 && sig < 32",
	"sys_setpriority: niceval < 0 && who >= 1000 else log if who == 0 else trap",
	"sys_openat: dfd == AT_FDCWD && (flags & O_ACCMODE) == O_RDONLY",
	"sys_lseek: offset in {0..4096, 1000000} && whence <= 2",
	"sys_fchmod: mode <= 0o777",
	"sys_read: 1", "sys_write: fd in {1, 2}", "sys_ptrace: 0 else kill", "sys_bpf: 0 else errno(ENOSYS)", "sys_getpid: 1",
	"sys_reboot: 0 else trap", "sys_execve: filename != 0",
}

func random(r *rand.Rand) string {
	var text strings.Builder
	text.WriteString([]string{"deny errno(EPERM)", "deny kill", "deny errno(EACCES)", "deny trap"}[r.Intn(4)] + "\n")
	if r.Intn(3) == 0 {
		text.WriteString("use all\n")
	}
	said := make(map[string]bool)
	for _, i := range r.Perm(len(rules))[:3+r.Intn(8)] {
		if call, _, _ := strings.Cut(rules[i], ":"); !said[call] {
			said[call] = true
			text.WriteString(rules[i] + "\n")
		}
	}
	return text.String()
}

// What a policy becomes in any dialect allows nothing that it doesn't; and where nothing was approximated, it is the
// same. Looked at with edge values, as the proofs that each conversion makes are not to be trusted alone.
func TestPoliciesGoOutAndIn(t *testing.T) {
	exact := make(map[string]int)
	for seed := range int64(20) {
		text := random(rand.New(rand.NewSource(seed)))
		in, err := dialect.Check("p", text, dialect.Options{Arch: "amd64"})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		for name, d := range dialects {
			for _, approximate := range []bool{false, true} {
				o := dialect.Options{Arch: "amd64", Approximate: approximate}
				out, err := d.write(in, o)
				if errors.Is(err, dialect.ErrLoss) && !approximate {
					continue
				}
				if err != nil {
					t.Fatalf("seed %d: %s: %v\n%s", seed, name, err, text)
				}
				again, err := d.read("again", []byte(out.Text), dialect.Options{Arch: "amd64"})
				if err != nil {
					t.Fatalf("seed %d: %s: %v\n%s", seed, name, err, out.Text)
				}
				if nr, args, wider := dialecttest.Wider(in.Table, again.Table, dialecttest.Edges); wider {
					t.Fatalf("seed %d: %s: call %d with %#x is allowed\n%s\n%s", seed, name, nr, args, text, out.Text)
				}
				if !approximate {
					exact[name]++
					same(t, fmt.Sprintf("seed %d, %s", seed, name), in.Table, again.Table)
				}
			}
		}
	}
	if exact["oci"] < 20 || exact["stagelock"] < 20 {
		t.Errorf("carried exactly: %v", exact)
	}
}

// same compares two tables at edge values.
func same(t *testing.T, title string, want, got *policy.Table) {
	t.Helper()
	for _, c := range want.Arch.Calls() {
		values := dialecttest.Edges
		if dialecttest.Plain(want, c.Nr) && dialecttest.Plain(got, c.Nr) {
			values = values[:1]
		}
		dialecttest.Arguments(values, func(a [6]uint64) {
			if w, g := want.Eval(c.Nr, a).Action, got.Eval(c.Nr, a).Action; w != g && !t.Failed() {
				t.Errorf("%s: %s with %#x gets %v, want %v", title, c.Name, a, g, w)
			}
		})
	}
}

// Terms hold where their condition does, in each way of taking it apart.
func TestTerms(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	value := func() uint64 { return dialecttest.Edges[r.Intn(len(dialecttest.Edges))] }
	var cond func(depth int) policy.Cond
	cond = func(depth int) policy.Cond {
		bits := []uint8{16, 32, 64}[r.Intn(3)]
		last := uint64(1)<<bits - 1
		switch n := r.Intn(6); {
		case depth == 0 || n < 2:
			lo, hi := value()&last, value()&last
			return policy.Range{Arg: uint8(r.Intn(3)), Bits: bits, Lo: min(lo, hi), Hi: max(lo, hi)}
		case n == 2:
			mask := value() & last
			return policy.Masked{Arg: uint8(r.Intn(3)), Bits: bits, Mask: mask, Value: value() & mask}
		case n == 3:
			return policy.Not{X: cond(depth - 1)}
		case n == 4:
			return policy.And{cond(depth - 1), cond(depth - 1)}
		}
		return policy.Or{cond(depth - 1), cond(depth - 1)}
	}
	taken := 0
	for range 300 {
		c := cond(3)
		for way, apart := range []func(policy.Cond) ([]dialect.Term, error){dialect.Terms, dialect.FreeTerms, dialect.Apart} {
			terms, err := apart(c)
			if err != nil {
				continue
			}
			taken++
			dialecttest.Arguments(dialecttest.Edges, func(args [6]uint64) {
				if got := anyHolds(terms, &args); got != c.Holds(&args) {
					t.Fatalf("way %d: %v with %#x: %t\n%v", way, c, args, got, terms)
				}
			})
			if way != 1 {
				oncePerArgument(t, terms)
			}
		}
	}
	if taken < 600 {
		t.Errorf("only %d conditions were taken apart", taken)
	}
}

func anyHolds(terms []dialect.Term, args *[6]uint64) bool {
	for _, term := range terms {
		all := true
		for _, c := range term {
			all = all && c.Cond().Holds(args)
		}
		if all {
			return true
		}
	}
	return false
}

func oncePerArgument(t *testing.T, terms []dialect.Term) {
	t.Helper()
	for _, term := range terms {
		seen := make(map[uint8]bool)
		for _, c := range term {
			if seen[c.Arg] {
				t.Fatalf("argument %d is compared twice, which runc takes for an or: %v", c.Arg, term)
			}
			seen[c.Arg] = true
		}
	}
}

// A translation that allows more is found: each of these is wrong in another way.
func TestProveFindsWhatIsWider(t *testing.T) {
	o := dialect.Options{Arch: "amd64"}
	const text = "sys_socket: family == AF_INET\nsys_ptrace: 0 else kill\nsys_read: 1\n"
	want, err := dialect.Check("p", text, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, planted := range []struct{ from, to string }{
		{"family == AF_INET", "family in {AF_INET, 40}"},
		{"family == AF_INET", "1"},
		{"sys_read: 1", "sys_read: 1\nsys_write: 1"},
		{"0 else kill", "1"},
		{"sys_read: 1", "use all"},
	} {
		got, err := dialect.Check("p", strings.Replace(text, planted.from, planted.to, 1), o)
		if err != nil {
			t.Fatal(err)
		}
		loose := func(uint32) bool { return true }
		if err := dialect.Prove(want.Table, got.Table, loose); !errors.Is(err, dialect.ErrProof) {
			t.Errorf("%s for %s was not found: %v", planted.to, planted.from, err)
		}
	}
	if err := dialect.Prove(want.Table, want.Table, nil); err != nil {
		t.Error(err)
	}
}

// Of arguments that the kernel reads 32 bits of, other dialects compare 64. A policy has what a caller means by the
// number, whichever way it was extended, and what can't be said is a loss.
func TestNarrowing(t *testing.T) {
	for _, test := range []struct{ op, call, want string }{
		{`{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}`, "socket", "sys_socket: family != AF_VSOCK"},
		{`{"index": 0, "value": 4294967196, "op": "SCMP_CMP_EQ"}`, "openat", "sys_openat: dfd == AT_FDCWD"},
		{`{"index": 0, "value": 18446744073709551516, "op": "SCMP_CMP_EQ"}`, "openat", "sys_openat: dfd == AT_FDCWD"},
		{`{"index": 0, "value": 4294967298, "op": "SCMP_CMP_NE"}`, "socket", "sys_socket: 1"},
		{`{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}`, "openat", "sys_openat: filename == 0"},
		{`{"index": 1, "value": 4096, "op": "SCMP_CMP_EQ"}`, "openat", ""},
	} {
		text := fmt.Sprintf(`{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": [%q], "action": "SCMP_ACT_ALLOW", `+
			`"args": [%s]}]}`, test.call, test.op)
		o := dialect.Options{Arch: "amd64"}
		in, err := oci.Read("p", []byte(text), oci.Options{Options: o})
		if err != nil {
			t.Fatal(err)
		}
		out, err := dialect.Format(in, o)
		switch {
		case test.want == "":
			if !errors.Is(err, dialect.ErrLoss) || !strings.Contains(err.Error(), "filename is a pointer") {
				t.Errorf("%s: %v", test.op, err)
			}
		case err != nil:
			t.Errorf("%s: %v", test.op, err)
		case !strings.Contains(out.Text, test.want):
			t.Errorf("%s: no %q in\n%s", test.op, test.want, out.Text)
		}
	}
}

// Of a condition that can't be said an approximation refuses what hangs on it, and no more.
func TestPointersAreRefused(t *testing.T) {
	const text = `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["openat"], "action": "SCMP_ACT_ALLOW", "args": [
		{"index": 1, "value": 4096, "op": "SCMP_CMP_EQ"}]}, {"names": ["openat"], "action": "SCMP_ACT_ALLOW", "args": [
		{"index": 2, "value": 0, "op": "SCMP_CMP_EQ"}]}]}`
	o := dialect.Options{Arch: "amd64", Approximate: true}
	in, err := oci.Read("p", []byte(text), oci.Options{Options: o})
	if err != nil {
		t.Fatal(err)
	}
	out, err := dialect.Format(in, o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.Text, "\nsys_openat: flags == O_RDONLY") || len(out.Notes) == 0 ||
		!strings.HasPrefix(out.Notes[0].Text, "approximated: openat: filename is a pointer") {
		t.Errorf("%v\n%s", out.Notes, out.Text)
	}
}
