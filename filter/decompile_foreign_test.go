package filter_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		text := ""
		for _, abi := range got.ABIs {
			text += strings.SplitN(abi.Text, "\n\n# ", 2)[0]
		}
		texts = append(texts, text)
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
