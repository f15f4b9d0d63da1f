//go:build libseccomp

package main

import (
	"fmt"
	"testing"

	libseccomp "github.com/seccomp/libseccomp-golang"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/oci"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
)

// scmpArches has libseccomp's architecture for each GOARCH that it knew when it was released.
var scmpArches = map[string]libseccomp.ScmpArch{
	"386": libseccomp.ArchX86, "amd64": libseccomp.ArchAMD64, "arm": libseccomp.ArchARM, "arm64": libseccomp.ArchARM64,
	"mips": libseccomp.ArchMIPS, "mipsle": libseccomp.ArchMIPSEL, "mips64": libseccomp.ArchMIPS64,
	"mips64le": libseccomp.ArchMIPSEL64, "ppc64": libseccomp.ArchPPC64, "ppc64le": libseccomp.ArchPPC64LE,
	"riscv64": libseccomp.ArchRISCV64, "s390x": libseccomp.ArchS390X,
}

// TestNumbers compares the numbers of all calls with libseccomp's tables, which were made from other sources.
func TestNumbers(t *testing.T) {
	for goarch, scmp := range scmpArches {
		a, _ := kernel.ByName(goarch)
		compared := 0
		for _, c := range a.Calls() {
			nr, err := libseccomp.GetSyscallFromNameByArch(c.Name, scmp)
			if err != nil || nr < 0 { // newer than the library, or behind another number
				continue
			}
			compared++
			if uint32(nr) != c.Nr {
				t.Errorf("%s: %s is %d, libseccomp says %d", goarch, c.Name, c.Nr, nr)
			}
		}
		if compared < 280 {
			t.Errorf("%s: only %d calls compared", goarch, compared)
		}
	}
}

// TestMultiplexed compares what is read of a profile that names sockets and ipc with what libseccomp makes of it where
// they are behind one number too.
func TestMultiplexed(t *testing.T) {
	for _, goarch := range []string{"386", "mipsle", "ppc64le"} { // whose byte order is this machine's
		for _, name := range []string{"socket", "accept4", "recvmmsg", "sendmmsg", "semtimedop", "shmat", "msgctl"} {
			for args := range 3 { // without any, about the first, about the second
				t.Run(fmt.Sprint(goarch, " ", name, " ", args), func(t *testing.T) {
					sameAsRead(t, goarch, name, args)
				})
			}
		}
	}
}

func sameAsRead(t *testing.T, goarch, name string, args int) {
	a, _ := kernel.ByName(goarch)
	theirs := load(t, refusing(t, scmpArches[goarch], args, "getpid", name), nil)
	said := ""
	if args > 0 {
		said = fmt.Sprintf(`, "args": [{"index": %d, "value": 7, "op": "SCMP_CMP_EQ"}]`, args-1)
	}
	in, err := oci.Read("p", fmt.Appendf(nil, `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getpid", %q], "action": `+
		`"SCMP_ACT_ERRNO"%s}]}`, name, said), oci.Options{Options: dialect.Options{Arch: goarch}})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, call := range []string{"socketcall", "ipc"} {
		c, _ := a.Call(call)
		for sub := range uint64(30) {
			for _, second := range []uint64{0, 7} {
				d := bpf.Data{Nr: c.Nr, Arch: a.Audit, Args: [6]uint64{sub, second}}
				got := in.Table.Eval(d.Nr, d.Args).Action.Allows()
				if want, _ := theirs.Run(&d); (want == retAllow) != got {
					t.Errorf("%s(%d, %d): allowed is %t, libseccomp says %#x", call, sub, second, got, want)
				}
				if !got {
					refused++
				}
			}
		}
	}
	if refused == 0 {
		t.Error("nothing is refused")
	}
}

// libseccomp 2.5.4: where all that is named is calls that the architecture has behind another number only, the program
// compares the architecture with that number, since it never loads the call's: semtimedop is refused, and ipc(4) allowed.
func TestLibseccompForgetsTheNumber(t *testing.T) {
	a, _ := kernel.ByName("386")
	ipc, _ := a.Call("ipc")
	got, _ := load(t, refusing(t, libseccomp.ArchX86, 0, "semtimedop"), nil).Run(&bpf.Data{Nr: ipc.Nr, Arch: a.Audit, Args: [6]uint64{4}})
	major, minor, micro := libseccomp.GetLibraryVersion()
	t.Logf("libseccomp %d.%d.%d: ipc(4) gets %#x", major, minor, micro, got)
	if major == 2 && minor == 5 && micro == 4 && got != retAllow {
		t.Error("the mistake does not show where it was found")
	}
}

// refusing returns libseccomp's program for an architecture that refuses calls; with args the places of an argument, from
// 1, where that is 7.
func refusing(t *testing.T, scmp libseccomp.ScmpArch, args int, names ...string) []bpf.Instruction {
	t.Helper()
	f, err := libseccomp.NewFilter(libseccomp.ActAllow)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if err := f.AddArch(scmp); err != nil {
		t.Fatal(err)
	}
	if err := f.RemoveArch(libseccomp.ArchNative); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		nr, err := libseccomp.GetSyscallFromName(name)
		if err != nil {
			t.Fatal(err)
		}
		var conds []libseccomp.ScmpCondition
		if args > 0 {
			cond, err := libseccomp.MakeCondition(uint(args-1), libseccomp.CompareEqual, 7)
			if err != nil {
				t.Fatal(err)
			}
			conds = append(conds, cond)
		}
		if err := f.AddRuleConditional(nr, libseccomp.ActErrno.SetReturnCode(1), conds); err != nil {
			t.Fatal(err)
		}
	}
	prog, err := export(f)
	if err != nil {
		t.Fatal(err)
	}
	return prog
}
