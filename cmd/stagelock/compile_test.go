package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/kernel"
)

// compiled returns what compile prints.
func compiled(t *testing.T, arch, format, file string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run([]string{"compile", "-arch", arch, "-format", format, file}, nil, &out, &errs); code != exitFine {
		t.Fatalf("%s, %s: exit code %d: %s", arch, format, code, &errs)
	}
	return out.Bytes()
}

func policyFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "p")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

type jsonFilter struct {
	AuditArch uint32
	ByteOrder string
	Programs  [][]bpf.Instruction
}

// parseJSON reads what compile -format json prints.
func parseJSON(t *testing.T, text []byte) jsonFilter {
	t.Helper()
	var raw struct {
		AuditArch uint32
		ByteOrder string
		Programs  [][]struct {
			Code   uint16
			Jt, Jf uint8
			K      uint32
		}
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	f := jsonFilter{AuditArch: raw.AuditArch, ByteOrder: raw.ByteOrder}
	for _, p := range raw.Programs {
		var prog []bpf.Instruction
		for _, i := range p {
			prog = append(prog, bpf.Instruction{Op: i.Code, Jt: i.Jt, Jf: i.Jf, K: i.K})
		}
		f.Programs = append(f.Programs, prog)
	}
	return f
}

// source reads the instructions out of C or Go source.
func source(t *testing.T, text []byte, line string) []bpf.Instruction {
	t.Helper()
	var prog []bpf.Instruction
	for _, m := range regexp.MustCompile(line).FindAllSubmatch(text, -1) {
		var n [4]uint64
		for i := range n {
			var err error
			if n[i], err = strconv.ParseUint(string(m[i+1]), 0, 32); err != nil {
				t.Fatal(err)
			}
		}
		prog = append(prog, bpf.Instruction{Op: uint16(n[0]), Jt: uint8(n[1]), Jf: uint8(n[2]), K: uint32(n[3])})
	}
	return prog
}

// TestFormatsAgree: all formats say the same program, in both byte orders.
func TestFormatsAgree(t *testing.T) {
	file := policyFile(t, "use file.read, net.server\nsys_socket: family == AF_INET\n")
	for _, name := range kernel.Names() {
		arch, _ := kernel.ByName(name)
		f := parseJSON(t, compiled(t, name, "json", file))
		if len(f.Programs) != 1 || f.AuditArch != arch.Audit || (f.ByteOrder == "big") != arch.BigEndian {
			t.Fatalf("%s: %d programs, arch %#x, %s-endian", name, len(f.Programs), f.AuditArch, f.ByteOrder)
		}
		want := f.Programs[0]
		if err := bpf.Check(want); err != nil {
			t.Errorf("%s: %v", name, err)
		}

		var order binary.ByteOrder = binary.LittleEndian
		if arch.BigEndian {
			order = binary.BigEndian
		}
		raw, err := bpf.Decode(compiled(t, name, "raw", file), order)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, raw); diff != "" {
			t.Errorf("%s: raw is not json:\n%s", name, diff)
		}

		c := compiled(t, name, "c", file)
		if diff := cmp.Diff(want, source(t, c, `\{ (\w+), +(\d+), +(\d+), (\w+) \}`)); diff != "" {
			t.Errorf("%s: c is not json:\n%s", name, diff)
		}

		src := compiled(t, name, "go", file)
		if diff := cmp.Diff(want, source(t, src, `\{Code: (\w+), Jt: (\w+), Jf: (\w+), K: (\w+)\}`)); diff != "" {
			t.Errorf("%s: go is not json:\n%s", name, diff)
		}
		if tidy, err := format.Source(src); err != nil || !bytes.Equal(tidy, src) {
			t.Errorf("%s: go is not as gofmt has it: %v", name, err)
		}

		listing := string(compiled(t, name, "asm", file))
		for pc, i := range want {
			if line := fmt.Sprintf("\n%-6s%s", fmt.Sprintf("l%d:", pc), i.At(pc)); !strings.Contains(listing, line) {
				t.Errorf("%s: the listing lacks %s", name, line)
			}
		}
	}
}

// TestSeveralPrograms: a policy too large for one program is several, which raw has no place for.
func TestSeveralPrograms(t *testing.T) {
	arch, _ := kernel.ByName("amd64")
	var b strings.Builder
	for i, c := range arch.Calls() {
		args := c.Args()
		if i > 120 || len(args) == 0 || args[0].Type.Pointer || args[0].Type.Bits < 32 {
			continue
		}
		fmt.Fprintf(&b, "sys_%s: %s in {", c.Name, args[0].Name)
		for v := range 100 {
			fmt.Fprintf(&b, "%d, ", 1000*i+7*v*v)
		}
		fmt.Fprintf(&b, "%d}\n", 1000*i+999_999)
	}
	file := policyFile(t, b.String())
	f := parseJSON(t, compiled(t, "amd64", "json", file))
	if len(f.Programs) < 2 {
		t.Fatalf("%d programs: the policy is too small to show anything", len(f.Programs))
	}
	text := string(compiled(t, "amd64", "go", file))
	for i := range f.Programs {
		if !strings.Contains(text, fmt.Sprintf("var filterInit%d = ", i+1)) {
			t.Errorf("go source lacks program %d", i+1)
		}
	}
	if listing := string(compiled(t, "amd64", "asm", file)); !strings.Contains(listing, fmt.Sprintf("program 2 of %d", len(f.Programs))) {
		t.Error("the listing lacks program 2")
	}
	var out, errs bytes.Buffer
	code := run([]string{"compile", "-arch", "amd64", "-format", "raw", file}, nil, &out, &errs)
	if code != exitUsage || out.Len() > 0 || !strings.Contains(errs.String(), "raw holds one: use another format") {
		t.Errorf("raw: exit code %d, %d bytes, %s", code, out.Len(), &errs)
	}
	if code := run([]string{"check", "-arch", "amd64", file}, nil, &out, &errs); code != exitFine {
		t.Errorf("check: exit code %d: %s", code, &errs)
	}
}

// TestRawOnTerminal: binary output would only upset a terminal. The null device is none.
func TestRawOnTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	defer terminal.Close()
	args := []string{"compile", "-format", "raw", policyFile(t, "sys_read: 1\n")}
	var errs bytes.Buffer
	if code := run(args, nil, terminal, &errs); code != exitUsage || !strings.Contains(errs.String(), "redirect it") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if code := run(args, nil, null, &errs); code != exitFine {
		t.Errorf("into the null device: exit code %d: %s", code, &errs)
	}
}
