package mistakes

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	elastic "github.com/elastic/go-seccomp-bpf"

	"github.com/stagelock/seccomp/rule"
)

// elastic/go-seccomp-bpf 1.6.0: after a failed condition the next call's number is compared with the argument.
func TestArgumentTakenForANumber(t *testing.T) {
	const getpid = 39
	ours(t, "sys_write: fd == 1; sys_getpid: 1").gives(eperm, "write", getpid)
	if p, ok := theirs(t, elastic.ActionAllow, []string{"getpid"}, condition("write", 0, elastic.Equal, 1)); ok {
		p.gives(allow, "write", getpid)
	}
}

// elastic 1.6.0: a misspelt operator is no check at all.
func TestMisspeltOperator(t *testing.T) {
	for _, op := range []string{"=", "===", "=<", "equal", "Eqal", "is"} {
		if _, err := tableOf("sys_socket: family " + op + " AF_INET"); !errors.Is(err, rule.ErrSyntax) {
			t.Errorf("%s: %v, want an error of syntax", op, err)
		}
	}
	if p, ok := theirs(t, elastic.ActionAllow, nil, condition("socket", 0, "Eqal", 2)); ok {
		p.gives(allow, "socket", 17)
	}
}

// elastic 1.6.0: with 65 conditions and more on one call jumps go wrong, and a denied call is allowed. goseccomp: the
// distance of a jump is cut to a byte.
func TestManyConditions(t *testing.T) {
	for _, n := range []int{64, 65, 66, 127, 128, 255, 256, 257, 300, 600} {
		var values []string
		for i := range n {
			values = append(values, fmt.Sprint(3*i+1))
		}
		p := ours(t, "sys_ioctl: !(cmd in {"+strings.Join(values, ", ")+"})\nsys_getpid: 1")
		for i := range n {
			p.gives(eperm, "ioctl", 0, uint64(3*i+1))
			p.gives(allow, "ioctl", 0, uint64(3*i+2))
		}
		p.gives(allow, "getpid")
	}

	var calls []elastic.NameWithConditions
	for i := range uint64(65) {
		calls = append(calls, condition("ioctl", 1, elastic.Equal, 1000+i))
	}
	if p, ok := theirs(t, elastic.ActionAllow, []string{"getpid"}, calls...); ok {
		p.gives(allow, "read") // which nothing allows
	}
}

// elastic 1.6.0: what enters by the 32-bit door gets the default action, which may be to allow.
func TestForeignArchitecture(t *testing.T) {
	const i386, execve = 0x40000003, 11
	for _, text := range []string{"sys_getpid: 1", "use all; sys_execve: 0"} {
		ours(t, text).givesNr(kill, i386, execve)
	}
	if p, ok := theirs(t, elastic.ActionErrno, []string{"execve"}); ok {
		p.givesNr(allow, i386, execve)
	}
}

// goseccomp, seccompiler: x32's numbers are let through where most is allowed.
func TestX32(t *testing.T) {
	p := ours(t, "use all; sys_execve: 0")
	for _, nr := range []uint32{1<<30 | 520, 1 << 30, 1 << 31, 1<<32 - 2} {
		p.givesNr(kill, amd64.Audit, nr)
	}
	p.givesNr(enosys, amd64.Audit, 1<<32-1) // a tracer's way to skip a call
}

// elastic 1.6.0: the refusal of AF_INET is passed by AF_INET with a bit set that the kernel ignores.
func TestIgnoredBitsPassARefusal(t *testing.T) {
	p := ours(t, "sys_socket: family != AF_INET")
	for _, high := range highBits {
		p.gives(eperm, "socket", 2|high)
	}
	if p, ok := theirs(t, elastic.ActionErrno, nil, condition("socket", 0, elastic.Equal, 2)); ok {
		p.gives(errno|1, "socket", 2)
		p.gives(allow, "socket", 2|1<<32)
	}
}

// highBits are what the kernel ignores of an int.
var highBits = []uint64{0, 1 << 32, 1 << 63, 0xffffffff << 32}

// elastic 1.6.0: AT_FDCWD never matches what Go passes, or what libc passes.
func TestNegativeDescriptor(t *testing.T) {
	const goPasses, libcPasses = 1<<64 - 100, 1<<32 - 100
	p := ours(t, "sys_openat: dfd == AT_FDCWD")
	p.gives(allow, "openat", goPasses)
	p.gives(allow, "openat", libcPasses)
	p.gives(eperm, "openat", 3)
	if p, ok := theirs(t, elastic.ActionAllow, nil, condition("openat", 0, elastic.Equal, libcPasses)); ok {
		p.gives(eperm, "openat", goPasses)
	}
}

// snapd (CVE-2019-7303), flatpak (CVE-2019-10063): TIOCSTI with high bits set is another number to a filter that
// compares 64 bits, and the same command to the kernel.
func TestIoctlCommandWithHighBits(t *testing.T) {
	p := ours(t, "sys_ioctl: cmd != TIOCSTI")
	for _, high := range highBits {
		p.gives(eperm, "ioctl", 0, 0x5412|high)
	}
	p.gives(allow, "ioctl", 0, 0x5413)
}

// libseccomp's Go binding (CVE-2017-18367): several conditions on one call were ORed where ANDed was meant.
func TestAndIsNotOr(t *testing.T) {
	p := ours(t, "sys_socket: family == AF_INET && type == 1")
	p.gives(allow, "socket", 2, 1)
	for _, args := range [][]uint64{{2, 3}, {1, 1}, {2}, {0, 1}} {
		p.gives(eperm, "socket", args...)
	}
}

// libseccomp (CVE-2019-9893): < and > of 64 bits compared each half by itself.
func TestOrderAcrossWords(t *testing.T) {
	p := ours(t, "sys_pread64: count > 0x100000005; sys_pwrite64: count < 0x200000003; "+
		"nr(1000): arg2 >= 0x100000005; nr(1001): arg2 <= 0x200000003")
	values := []uint64{0, 3, 5, 6, 1<<32 - 1, 1 << 32, 1<<32 + 4, 1<<32 + 5, 1<<32 + 6, 2 << 32, 2<<32 + 2, 2<<32 + 3,
		2<<32 + 4, 2<<32 + 9, 3 << 32, 1 << 63, 1<<64 - 1}
	for _, v := range values {
		p.gives(verdict(v > 1<<32+5), "pread64", 0, 0, v)
		p.gives(verdict(v < 2<<32+3), "pwrite64", 0, 0, v)
		p.givesNr(verdict(v >= 1<<32+5), amd64.Audit, 1000, 0, 0, v)
		p.givesNr(verdict(v <= 2<<32+3), amd64.Audit, 1001, 0, 0, v)
	}
}

// libseccomp (2026): several 64-bit comparisons of one argument, merged, allowed more than each.
func TestMergedComparisons(t *testing.T) {
	p := ours(t, "sys_pread64: (count > 0x100000005 && count < 0x100000009) || (count > 0x200000001 && "+
		"count <= 0x300000000) || count == 0x300000007; sys_pwrite64: count != 0x100000001 && count != 0x200000001 && "+
		"count != 0x100000002 && count >= 2")
	for _, v := range []uint64{0, 1, 2, 3, 5, 6, 7, 8, 9, 1<<32 - 1} {
		for hi := range uint64(5) {
			x := hi<<32 | v
			p.gives(verdict(x > 1<<32+5 && x < 1<<32+9 || x > 2<<32+1 && x <= 3<<32 || x == 3<<32+7), "pread64", 0, 0, x)
			p.gives(verdict(x != 1<<32+1 && x != 2<<32+1 && x != 1<<32+2 && x >= 2), "pwrite64", 0, 0, x)
		}
	}
}

func verdict(ok bool) uint32 {
	if ok {
		return allow
	}
	return eperm
}

// runc: ENOSYS went by the highest number known, which is wrong for calls that were added out of order.
func TestUnknownNumbersInGaps(t *testing.T) {
	p := ours(t, "sys_read: 1; sys_rseq: 1; sys_pidfd_send_signal: 1")
	for nr := uint32(337); nr < 424; nr++ { // between rseq (334) and pidfd_send_signal (424)
		if _, known := amd64.CallNr(nr); !known {
			p.givesNr(enosys, amd64.Audit, nr)
		}
	}
	p.givesNr(enosys, amd64.Audit, 5000)
	p.gives(eperm, "mount")
}

// beats: "seccomp.enabed" was accepted in silence, and nothing was enforced.
func TestMisspeltWord(t *testing.T) {
	for text, want := range map[string]string{
		"seccomp.enabed: 1": "", "enabed: 1": "unknown", "sys_opnat: 1": "openat", "ues file": "use",
		"use fiel.read": "file.read", "deny erno(EPERM)": "errno", "sage init": "stage",
	} {
		if _, err := tableOf(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error that says %q", text, err, want)
		}
	}
}
