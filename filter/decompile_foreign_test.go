package filter_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	elastic "github.com/elastic/go-seccomp-bpf"
	"github.com/google/go-cmp/cmp"
	netbpf "golang.org/x/net/bpf"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
)

var updateForeign = flag.Bool("update-foreign", false, "write what is found into testdata/foreign")

const foreignDir = "testdata/foreign/"

// foreignArch is the architecture of a foreign program's process; they come from amd64 but for those named otherwise.
func foreignArch(file string) *kernel.Arch {
	name := "amd64"
	if before, _, ok := strings.Cut(filepath.Base(file), "-"); ok {
		if a, ok := kernel.ByName(before); ok {
			return a
		}
	}
	a, _ := kernel.ByName(name)
	return a
}

func readForeign(t testing.TB, file string) []bpf.Instruction {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if foreignArch(file).BigEndian {
		order = binary.BigEndian
	}
	insns, err := bpf.Decode(b, order)
	if err != nil {
		t.Fatal(err)
	}
	return insns
}

func foreignFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(foreignDir + "*.bpf")
	if err != nil || len(files) == 0 {
		t.Fatal("no programs", err)
	}
	return files
}

// foreignSeeds are the shorter foreign programs as they are.
func foreignSeeds(t testing.TB) (list [][]byte) {
	for _, f := range foreignFiles(t) {
		if b, err := os.ReadFile(f); err == nil && len(b) < 1200 {
			list = append(list, b)
		}
	}
	return list
}

// report is all that was found out about a program.
func report(got *filter.Decompiled) string {
	var b strings.Builder
	for _, abi := range got.ABIs {
		b.WriteString(abi.Text + "\n")
	}
	for _, u := range got.Unsaid {
		if u.Arch == nil {
			b.WriteString("# " + u.What + "\n")
			for _, line := range strings.Split(strings.TrimSpace(u.Listing), "\n") {
				if line != "" {
					b.WriteString("#   " + line + "\n")
				}
			}
		}
	}
	fmt.Fprintf(&b, "# exact: %v\n", got.Exact)
	return b.String()
}

// Programs of others, each with what is made of it. What is said is proved to be what the program does by running it.
func TestDecompileForeign(t *testing.T) {
	for _, file := range foreignFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			insns := readForeign(t, file)
			got, err := filter.Decompile(insns, filter.DecompileOptions{Arch: foreignArch(file)})
			if err != nil {
				t.Fatal(err)
			}
			checkTexts(t, got)
			checkInputs(t, [][]bpf.Instruction{insns}, got, rand.New(rand.NewPCG(1, 5)), 40)
			golden := strings.TrimSuffix(file, ".bpf") + ".txt"
			if *updateForeign {
				if err := os.WriteFile(golden, []byte(report(got)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), report(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// libseccomp lays the same rules out as a list and as a tree: both must read the same.
func TestDecompileLayouts(t *testing.T) {
	var texts []string
	for _, name := range []string{"docker.bpf", "docker-tree.bpf"} {
		got, err := filter.Decompile(readForeign(t, foreignDir+name), filter.DecompileOptions{Arch: foreignArch(name)})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, abi := range got.ABIs {
			text.WriteString(strings.SplitN(abi.Text, "\n\n# ", 2)[0])
		}
		texts = append(texts, text.String())
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Error(diff)
	}
}

// A big filter above a small one: what both leave.
func TestDecompileStackOfOthers(t *testing.T) {
	programs := [][]bpf.Instruction{readForeign(t, foreignDir+"docker.bpf"), readForeign(t, foreignDir+"flatpak.bpf")}
	got, err := filter.DecompileStack(programs, filter.DecompileOptions{Arch: foreignArch("docker.bpf")})
	if err != nil {
		t.Fatal(err)
	}
	checkTexts(t, got)
	checkInputs(t, programs, got, rand.New(rand.NewPCG(1, 6)), 10)
	for _, want := range []string{"sys_ioctl: cmd != TIOCSTI", "2 filters together allow", "sys_bpf: 0"} {
		if !strings.Contains(got.ABIs[0].Text, want) {
			t.Errorf("no %q in\n%s", want, got.ABIs[0].Text)
		}
	}
}

// What elastic/go-seccomp-bpf 1.6.0 makes of "write if fd == 1, allow getpid": after a failed condition it compares the
// argument with the next number. Decompiled, the mistake is there to be read.
func TestDecompileElastic(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Log("elastic's programs are for", runtime.GOARCH)
		return
	}
	p := elastic.Policy{DefaultAction: elastic.ActionErrno, Syscalls: []elastic.SyscallGroup{{
		Action: elastic.ActionAllow,
		NamesWithCondtions: []elastic.NameWithConditions{{Name: "write",
			Conditions: elastic.ArgumentConditions{{Argument: 0, Operation: elastic.Equal, Value: 1}}}},
	}, {
		Action: elastic.ActionAllow,
		Names:  []string{"getpid"},
	}}}
	asm, err := p.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := netbpf.Assemble(asm)
	if err != nil {
		t.Fatal(err)
	}
	var insns []bpf.Instruction
	for _, r := range raw {
		insns = append(insns, bpf.Instruction{Op: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K})
	}
	got, err := filter.Decompile(insns, filter.DecompileOptions{Arch: foreignArch("")})
	if err != nil {
		t.Fatal(err)
	}
	checkTexts(t, got)
	checkInputs(t, [][]bpf.Instruction{insns}, got, rand.New(rand.NewPCG(1, 7)), 40)
	for _, want := range []string{"sys_write: fd in {1, 39}", "sys_getpid: 1"} {
		if !strings.Contains(got.ABIs[0].Text, want) {
			t.Errorf("no %q in\n%s", want, got.ABIs[0].Text)
		}
	}
}

// A program for several architectures is told about in the byte order of its process alone; without one, every
// architecture that it names is.
func TestDecompileWithoutArch(t *testing.T) {
	insns := readForeign(t, foreignDir+"docker.bpf")
	got, err := filter.Decompile(insns, filter.DecompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, abi := range got.ABIs {
		names = append(names, abi.Arch.Name)
	}
	if diff := cmp.Diff([]string{"386", "amd64"}, names); diff != "" {
		t.Error(diff)
	}
	big, _ := kernel.ByName("s390x")
	if got, err = filter.Decompile(insns, filter.DecompileOptions{Arch: big}); err != nil {
		t.Fatal(err)
	}
	if len(got.ABIs) != 1 || got.ABIs[0].Arch != big || got.Exact {
		t.Errorf("%d ABIs, exact %v", len(got.ABIs), got.Exact)
	}
}

// What the kernel would refuse is an error; what is too complex is one too, with the listing left.
func TestDecompileErrors(t *testing.T) {
	arch := foreignArch("")
	if got, err := filter.Decompile(nil, filter.DecompileOptions{Arch: arch}); got != nil || !errors.Is(err, bpf.ErrInvalid) {
		t.Errorf("an empty program: %v, %v", got, err)
	}
	// A register that collects a bit of each test has a value of its own on each of 2^60 ways.
	prog := []bpf.Instruction{{Op: bpf.LoadImm}, {Op: bpf.Store}}
	for i := range uint32(60) {
		prog = append(prog,
			bpf.Instruction{Op: bpf.LoadWord, K: 16 + i%12*4},
			bpf.Instruction{Op: bpf.JumpSet, K: 1 << (i / 12), Jf: 3},
			bpf.Instruction{Op: bpf.LoadMem}, bpf.Instruction{Op: bpf.Add, K: i*i + 1}, bpf.Instruction{Op: bpf.Store})
	}
	prog = append(prog, bpf.Instruction{Op: bpf.LoadMem}, bpf.Instruction{Op: bpf.JumpGt, K: 9000, Jt: 1},
		bpf.Instruction{Op: bpf.Return, K: 0x7fff0000}, bpf.Instruction{Op: bpf.Return, K: 0x80000000})
	got, err := filter.Decompile(prog, filter.DecompileOptions{Arch: arch})
	var undecided *filter.UndecidedError
	if !errors.As(err, &undecided) {
		t.Fatalf("a program that counts: %v", err)
	}
	if got.Exact || len(got.Unsaid) != 1 || strings.Count(got.Unsaid[0].Listing, "\n") != len(prog) {
		t.Errorf("its listing has %d lines of %d", strings.Count(got.Unsaid[0].Listing, "\n"), len(prog))
	}
}
