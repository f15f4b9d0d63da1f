package derive

import (
	"go/build"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asm reads a text as an assembly file of package runtime.
func asm(t *testing.T, arch, text string) ([]*asmFunc, error) {
	t.Helper()
	root := t.TempDir()
	file := filepath.Join(root, "src", "runtime", "x.s")
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	tree := &tree{source: newSource(Toolchain{Root: root}), arch: arch}
	return tree.assembly(&pkg{Package: &build.Package{}, path: "runtime"}, file)
}

func TestAssembly(t *testing.T) {
	tests := []struct {
		name, arch, text string
		numbers          []uint32
		told             bool
		refs             []string
	}{
		{"by name", "amd64", "#define SYS_getpid 39\nTEXT ·f(SB),NOSPLIT,$0\n\tMOVL\t$SYS_getpid, AX // why\n\tSYSCALL\n\tRET\n", []uint32{39}, false, nil},
		{"two", "arm64", "#define SYS_a 1\n#define SYS_b 2\nTEXT runtime·f(SB),$0\n\tMOVD $SYS_a, R8\n\tSVC\n\tMOVW $SYS_b, R8\n\tSVC\n", []uint32{1, 2}, false, nil},
		{"a number", "arm", "TEXT ·f(SB),$0\n\tMOVW\t$20, R7\n\tSWI\t$0\n", []uint32{20}, false, nil},
		{"a sum", "arm", "#define BASE 0x0\n#define SYS_x (BASE + 248)\nTEXT ·f(SB),$0\n\tMOVW $SYS_x, R7\n\tSWI $0\n", []uint32{248}, false, nil},
		{"with the instruction", "s390x", "#define SYS_clone 120\nTEXT ·f(SB),$0\n\tSYSCALL $SYS_clone\n", []uint32{120}, false, nil},
		{"by a macro", "386", "#define INVOKE_SYSCALL\tINT\t$0x80\nTEXT ·f(SB),$0\n\tMOVL $5, AX\n\tINVOKE_SYSCALL\n", []uint32{5}, false, nil},
		{"by its bytes", "amd64", "TEXT ·f(SB),$0\n\tBYTE $0x48; BYTE $0xc7; BYTE $0xc0\n\tBYTE $0x0f; BYTE $0x01; BYTE $0x00; BYTE $0x00\n\tSYSCALL\n", []uint32{271}, false, nil},
		{"named by a macro", "ppc64le", "#define ENTRY runtime·f\nTEXT ENTRY(SB),$0\n\tSYSCALL $3\n", []uint32{3}, false, nil},
		{"no call", "386", "TEXT ·f(SB),$0\n\tMOVL $5, AX\n\tINT $3\n", nil, false, nil},
		{"an argument", "amd64", "TEXT ·f(SB),$0\n\tMOVQ trap+0(FP), AX\n\tSYSCALL\n", nil, true, nil},
		{"an argument in its register", "amd64", "TEXT ·f<ABIInternal>(SB),$0\n\tMOVQ BX, DI\n\tSYSCALL\n", nil, true, nil},
		{"an argument by another register", "ppc64le", "TEXT ·f<ABIInternal>(SB),$0\n\tMOVD R3, R10\n\tSYSCALL R10\n", nil, true, nil},
		{"what it calls", "amd64", "TEXT ·f(SB),$0\n\tCALL runtime·g(SB)\n\tJMP ·h(SB)\n\tMOVQ $internal∕cpu·x(SB), AX\n\tCALL k<>(SB)\n",
			nil, false, []string{"runtime.g", "runtime.h", "internal/cpu.x", "k<runtime/x.s>"}},
		{"another system's", "amd64", "TEXT ·f(SB),$0\n#ifdef GOOS_windows\n\tCALL ·g(SB)\n#else\n\tCALL ·h(SB)\n#endif\n", nil, false, []string{"runtime.h"}},
		{"this system's", "arm", "TEXT ·f(SB),$0\n#ifdef GOARCH_arm\n\tCALL ·g(SB)\n#else\n\tCALL ·h(SB)\n#endif\n", nil, false, []string{"runtime.g"}},
		{"both sides", "arm", "TEXT ·f(SB),$0\n#ifdef MAYBE\n\tCALL ·g(SB)\n#else\n\tCALL ·h(SB)\n#endif\n", nil, false, []string{"runtime.g", "runtime.h"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := asm(t, tt.arch, tt.text)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d functions, %v", len(got), err)
			}
			if got[0].id != "runtime.f" || got[0].told != tt.told {
				t.Errorf("%s: told %t", got[0].id, got[0].told)
			}
			if diff := cmp.Diff(tt.numbers, got[0].numbers) + cmp.Diff(tt.refs, got[0].refs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A number that is not understood is an error: a call that is made would be missed.
func TestAssemblyMissesNothing(t *testing.T) {
	for _, text := range []string{
		"TEXT ·f(SB),$0\n\tMOVL $SYS_unheard, AX\n\tSYSCALL\n",
		"#define SYS_x (A*3)\nTEXT ·f(SB),$0\n\tMOVL $SYS_x, AX\n\tSYSCALL\n",
		"TEXT ·f(SB),$0\n\tSYSCALL\n", // from nowhere: no argument in its register either
		"TEXT ·f(SB),$0\n\tBYTE $0x48; BYTE $0xc7; BYTE $0xc1; BYTE $1; BYTE $0; BYTE $0; BYTE $0\n\tSYSCALL\n",
		"#define SYS_x SYS_x\nTEXT ·f(SB),$0\n\tMOVL $SYS_x, AX\n\tSYSCALL\n",
	} {
		if got, err := asm(t, "amd64", text); err == nil {
			t.Errorf("%q: read as %+v", text, got[0])
		}
	}
}
