package policy

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// callOf returns a call of amd64.
func callOf(t testing.TB, name string) (*kernel.Call, *kernel.Arch) {
	t.Helper()
	arch := target(t, "amd64").Arch
	call, ok := arch.Call(name)
	if !ok {
		t.Fatalf("no call %s", name)
	}
	return &call, arch
}

// read gives the text of a condition its meaning again.
func reread(t testing.TB, call, text string) Cond {
	t.Helper()
	p := mustCheck(t, "sys_"+call+": "+text+"\n")
	return p.Stages[0].Rules[0].Allow
}

func TestFormatCond(t *testing.T) {
	tests := []struct{ call, text, want string }{ // want is empty where it is text
		{"write", "fd == 1", ""},
		{"write", "fd != 1", ""},
		{"write", "fd == 1 || fd == 7", "fd in {1, 7}"},
		{"write", "fd == 1 || fd == 2", "fd in {1..2}"},
		{"write", "fd <= 2", ""},
		{"write", "fd < 3", "fd <= 2"},
		{"write", "fd > 2", "fd >= 3"},
		{"write", "!(fd > 2)", "fd < 3"},
		{"write", "!(fd in {3..9, 11})", ""},
		{"write", "buf == 0 && fd != 2", ""},
		{"write", "buf != 0 && (fd == 1 || count >= 10)", ""},
		{"socket", "family in {AF_INET, AF_INET6}", ""},
		{"socket", "family in {AF_INET, AF_UNIX}", "family in {AF_UNIX, AF_INET}"},
		{"socket", "type == SOCK_STREAM|SOCK_CLOEXEC", ""},
		{"socket", "(type & 0xf) == SOCK_STREAM", ""},
		{"openat", "dfd == AT_FDCWD", ""},
		{"openat", "dfd < 0", "dfd <= -1"},
		{"openat", "dfd >= 0", ""},
		{"openat", "dfd in {-5..5}", ""},
		{"openat", "dfd != -1", ""},
		{"openat", "dfd < 3 || dfd > 3", "dfd != 3"},
		{"write", "fd < 3 || fd > 3", "fd != 3"},
		{"openat", "(flags & O_CREAT) == O_CREAT", "flags & O_CREAT"},
		{"openat", "(flags & (O_ACCMODE|O_CREAT|O_TRUNC)) == O_RDONLY", ""},
		{"openat", "(flags & O_ACCMODE) == O_WRONLY", ""},
		{"openat", "(flags & O_ACCMODE) in {O_RDONLY, O_WRONLY}", ""},
		{"openat", "flags & (O_CREAT|O_TRUNC)", "flags & (O_CREAT|O_TRUNC)"},
		{"openat", "!(flags & O_CREAT)", "(flags & O_CREAT) == 0"},
		{"openat", "(flags & ~(O_ACCMODE|O_CLOEXEC)) == 0", ""},
		{"openat", "mode in {0..0o777}", "mode <= 511"},
		{"mmap", "prot == PROT_NONE || prot == PROT_READ|PROT_WRITE", "prot in {PROT_NONE, PROT_READ|PROT_WRITE}"},
		{"mmap", "prot & PROT_EXEC", ""},
		{"mmap", "flags == MAP_PRIVATE|MAP_ANONYMOUS", ""},
		{"tgkill", "tgid == self.pid && sig == SIGURG", ""},
		{"tgkill", "tgid in {1, self.pid} && sig != 0", ""},
		{"tgkill", "tgid != self.pid", ""},
		{"fcntl", "cmd in {F_DUPFD, F_GETFD, F_GETFL}", "cmd in {F_DUPFD, F_GETFD, F_GETFL}"},
		{"clone", "(clone_flags & (CLONE_VM|CLONE_THREAD)) == CLONE_VM|CLONE_THREAD", ""},
	}
	for _, tt := range tests {
		call, arch := callOf(t, tt.call)
		want := tt.want
		if want == "" {
			want = tt.text
		}
		if got := FormatCond(reread(t, tt.call, tt.text), call, arch); got != want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.call, tt.text, got, want)
		}
	}
}

// randomTyped returns a condition over a call's arguments that the language can say.
func randomTyped(rng *rand.Rand, args []kernel.Arg, depth int) Cond {
	if depth > 0 {
		switch rng.IntN(4) {
		case 0:
			return Not{randomTyped(rng, args, depth-1)}
		case 1:
			return And{randomTyped(rng, args, depth-1), randomTyped(rng, args, depth-1)}
		case 2:
			return Or{randomTyped(rng, args, depth-1), randomTyped(rng, args, depth-1), randomTyped(rng, args, depth-1)}
		}
	}
	i := rng.IntN(len(args))
	typ := args[i].Type
	arg := uint8(i)
	if typ.Pointer {
		return Range{arg, typ.Bits, 0, 0}
	}
	bits := typ.Bits
	if rng.IntN(8) == 0 {
		bits = 16 // fewer than the argument has
	}
	switch rng.IntN(5) {
	case 0:
		if !typ.Pointer && typ.Bits >= 32 {
			return Symbol{Arg: arg, Bits: typ.Bits, Name: "self.pid"}
		}
	case 1, 2:
		mask := edges(rng) & widest(bits)
		return Masked{arg, bits, mask, edges(rng) & mask}
	}
	lo, hi := edges(rng)&widest(bits), edges(rng)&widest(bits)
	return Range{arg, bits, min(lo, hi), max(lo, hi)}
}

// What is formatted reads back as an equivalent condition.
func TestFormatCondReadsBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, name := range []string{"openat", "write", "mmap", "kill", "fcntl", "socket", "clone"} {
		call, arch := callOf(t, name)
		for range 300 {
			c := randomTyped(rng, call.Args(), 3)
			x, err := Express(c, call, arch)
			if err != nil {
				t.Fatalf("%s: %#v: %v", name, c, err)
			}
			var again Cond
			if n, ok := x.(*rule.Number); ok {
				again = Const(n.Abs == 1)
			} else {
				again = reread(t, name, rule.FormatExpr(x))
			}
			d := NewDecider(1 << 18)
			if a, b := d.Cond(c), d.Cond(again); a != b || d.Err() != nil {
				t.Fatalf("%s: %#v\nis not %s\nwhich is %#v (%v)", name, c, rule.FormatExpr(x), again, d.Err())
			}
		}
	}
}

func TestInexpressible(t *testing.T) {
	call, arch := callOf(t, "write")
	for _, c := range []Cond{
		Range{0, 64, 1, 1},            // the kernel reads 32 bits
		Masked{0, 64, 1 << 40, 0},     // so too
		Range{1, 64, 5, 9},            // a pointer
		Masked{1, 64, 7, 0},           // a pointer
		Range{4, 64, 1, 1},            // write has three arguments
		Not{Range{0, 64, 1, 1 << 33}}, // inside
	} {
		if x, err := Express(c, call, arch); !errors.Is(err, ErrInexpressible) {
			t.Errorf("%#v: %v, %s", c, err, rule.FormatExpr(x))
		}
	}
	if x, err := Express(Range{5, 64, 1, 1}, nil, arch); err != nil || rule.FormatExpr(x) != "arg5 == 1" {
		t.Errorf("of a number: %v, %v", x, err)
	}
}
