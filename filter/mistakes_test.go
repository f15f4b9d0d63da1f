package filter

import (
	"testing"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/policy"
)

// Mistakes that other compilers of filters made. Each test fails on the mistaken behaviour.

// answer runs the only program of a table of calls, everything else getting EPERM.
func answer(t *testing.T, arch uint32, nr uint32, args [6]uint64, calls ...policy.Decision) uint32 {
	t.Helper()
	p := compileOne(t, &policy.Table{Arch: amd64, Foreign: is(kill), Other: is(eperm), Calls: calls})
	m, err := bpf.NewMachine(p.Insns)
	if err != nil {
		t.Fatal(err)
	}
	ret, _ := m.Run(&bpf.Data{Nr: nr, Arch: arch, Args: args})
	return ret
}

func where(nr uint32, c policy.Cond) policy.Decision {
	return policy.Decision{Nr: nr, Clauses: []policy.Clause{{If: c, Action: allow}, is(eperm)}}
}

// elastic/go-seccomp-bpf 1.6.0: after a failed condition the argument is compared with the next number.
func TestMistakeArgumentTakenForNumber(t *testing.T) {
	calls := []policy.Decision{where(1, oneOf(0, 32, 1)), {Nr: 39, Clauses: []policy.Clause{is(allow)}}}
	if got := answer(t, amd64.Audit, 1, [6]uint64{39}, calls...); got != eperm.Ret() {
		t.Errorf("write(39): %#x", got)
	}
}

// elastic 1.6.0: with 65 and more conditions jumps go wrong. goseccomp: the distance is cut to a byte.
func TestMistakeJumpsPastAByte(t *testing.T) {
	for _, n := range []uint64{64, 65, 66, 127, 128, 255, 256, 257, 300, 600} {
		values := make([]uint64, n)
		for i := range values {
			values[i] = 7 * uint64(i)
		}
		call := where(1, oneOf(0, 64, values...))
		for _, x := range []uint64{0, 7, 7 * (n - 1)} {
			if got := answer(t, amd64.Audit, 1, [6]uint64{x}, call); got != allow.Ret() {
				t.Errorf("%d values: %d: %#x", n, x, got)
			}
		}
		for _, x := range []uint64{1, 7*n - 8, 7 * n, 1 << 32} {
			if got := answer(t, amd64.Audit, 1, [6]uint64{x}, call); got != eperm.Ret() {
				t.Errorf("%d values: %d: %#x", n, x, got)
			}
		}
	}
}

// elastic 1.6.0: a 32-bit child gets the default action.
func TestMistakeForeignArchitecture(t *testing.T) {
	if got := answer(t, 0x40000003, 39, [6]uint64{}, policy.Decision{Nr: 39, Clauses: []policy.Clause{is(allow)}}); got != kill.Ret() {
		t.Errorf("386: %#x", got)
	}
}

// goseccomp, seccompiler: x32's numbers are let through. −1 is what a tracer writes to skip a call, and no x32 number.
func TestMistakeX32(t *testing.T) {
	call := policy.Decision{Nr: 39, Clauses: []policy.Clause{is(allow)}}
	for _, nr := range []uint32{1<<30 | 39, 1 << 30, 1 << 31, 1<<32 - 2} {
		if got := answer(t, amd64.Audit, nr, [6]uint64{}, call); got != kill.Ret() {
			t.Errorf("nr %#x: %#x", nr, got)
		}
	}
	for _, nr := range []uint32{1<<30 - 1, 1<<32 - 1} {
		if got := answer(t, amd64.Audit, nr, [6]uint64{}, call); got != eperm.Ret() {
			t.Errorf("nr %#x: %#x", nr, got)
		}
	}
}

// elastic: denying AF_INET is passed by AF_INET|1<<32, AT_FDCWD never matches. snapd, flatpak (CVE-2019-7303,
// CVE-2019-10063): TIOCSTI with high bits set. The kernel reads 32 bits.
func TestMistakeHighBits(t *testing.T) {
	const tiocsti, atFdcwd = 0x5412, 1<<32 - 100
	deny := policy.Decision{Nr: 16, Clauses: []policy.Clause{{If: oneOf(1, 32, tiocsti), Action: eperm}, is(allow)}}
	for _, high := range []uint64{0, 1 << 32, 1 << 63, (1<<32 - 1) << 32} {
		if got := answer(t, amd64.Audit, 16, [6]uint64{0, tiocsti | high}, deny); got != eperm.Ret() {
			t.Errorf("TIOCSTI|%#x: %#x", high, got)
		}
		if got := answer(t, amd64.Audit, 257, [6]uint64{atFdcwd | high}, where(257, oneOf(0, 32, atFdcwd))); got != allow.Ret() {
			t.Errorf("AT_FDCWD|%#x: %#x", high, got)
		}
	}
}

// libseccomp's Go binding (CVE-2017-18367): conditions that were meant ANDed were ORed.
func TestMistakeAndIsNotOr(t *testing.T) {
	call := where(41, policy.And{oneOf(0, 32, 1), oneOf(1, 32, 2)})
	for _, args := range [][6]uint64{{1, 1}, {2, 2}, {1}, {0, 2}} {
		if got := answer(t, amd64.Audit, 41, args, call); got != eperm.Ret() {
			t.Errorf("socket%v: %#x", args, got)
		}
	}
	if got := answer(t, amd64.Audit, 41, [6]uint64{1, 2}, call); got != allow.Ret() {
		t.Errorf("socket(1, 2): %#x", got)
	}
}

// libseccomp (CVE-2019-9893): 64-bit < and > compared each half by itself; merging such comparisons weakened them.
func TestMistakeOrderAcrossWords(t *testing.T) {
	values := []uint64{0, 1, 5, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1<<32 + 5, 2<<32 - 1, 2 << 32, 2<<32 + 4, 1 << 63, 1<<64 - 1}
	for _, lo := range values {
		for _, hi := range values {
			if lo > hi {
				continue
			}
			c := policy.Range{Arg: 2, Bits: 64, Lo: lo, Hi: hi}
			merged := where(1, policy.Or{c, policy.Range{Arg: 2, Bits: 64, Lo: 3 << 32, Hi: 4<<32 + 1}})
			for _, call := range []policy.Decision{where(1, c), merged} {
				for _, x := range values {
					args := [6]uint64{2: x}
					want := eperm
					if call.Clauses[0].If.Holds(&args) {
						want = allow
					}
					if got := answer(t, amd64.Audit, 1, args, call); got != want.Ret() {
						t.Fatalf("%#x in %#x to %#x: %#x", x, lo, hi, got)
					}
				}
			}
		}
	}
}

// runc: ENOSYS by the highest number known is wrong for calls added out of order: a gap is unknown too.
func TestMistakeUnknownNumbersInGaps(t *testing.T) {
	table := &policy.Table{Arch: amd64, Foreign: is(kill), Other: is(enosys), Calls: []policy.Decision{
		{Nr: 334, Clauses: []policy.Clause{is(allow)}}, {Nr: 424, Clauses: []policy.Clause{is(eperm)}}}}
	m, err := bpf.NewMachine(compileOne(t, table).Insns)
	if err != nil {
		t.Fatal(err)
	}
	for nr, want := range map[uint32]policy.Action{333: enosys, 334: allow, 335: enosys, 423: enosys, 424: eperm, 425: enosys} {
		if got, _ := m.Run(&bpf.Data{Nr: nr, Arch: amd64.Audit}); got != want.Ret() {
			t.Errorf("nr %d: %#x", nr, got)
		}
	}
}
