package derive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An asmFunc is a function written in assembly.
type asmFunc struct {
	id      string // as in runtime.open
	name    string // as in open
	file    string // below src
	refs    []string
	vdso    []string // the runtime's variables that hold addresses in the vDSO
	numbers []uint32 // of the calls it makes
	told    bool     // it makes the call that its first argument says
}

// The register that the kernel takes the call's number from.
var numberRegister = map[string]string{
	"386": "AX", "amd64": "AX", "arm": "R7", "arm64": "R8", "loong64": "R11", "mips64le": "R2", "ppc64le": "R0",
	"riscv64": "A7", "s390x": "R1",
}

var (
	comment = regexp.MustCompile(`//.*|/\*.*?\*/`)
	define  = regexp.MustCompile(`^#define\s+(\w+)\s+(.+)$`)
	include = regexp.MustCompile(`^#include\s+"(.+)"$`)
	text    = regexp.MustCompile(`^TEXT\s+([^\s(<]+)(<>)?(<ABIInternal>)?\(SB\)`)
	octet   = regexp.MustCompile(`^BYTE\s+\$(0x[0-9a-fA-F]{1,2})$`)
	symbol  = regexp.MustCompile(`([\pL\pN_∕·]+)(?:<(\w*)>)?(?:[+-]\w+)?\(SB\)`)
	move    = regexp.MustCompile(`^MOV\w*\s+(\S+),\s*(\w+)$`)
	trap    = regexp.MustCompile(`^(?:SYSCALL|INVOKE_SYSCALL|SVC|SWI|ECALL|INT)\b\s*(\S*)`)
	sum     = regexp.MustCompile(`^\(?\s*(\w+)\s*(?:\+\s*(\w+))?\s*\)?$`)
)

// assembly reads the functions of an assembly file.
func (t *tree) assembly(p *pkg, file string) ([]*asmFunc, error) {
	r := asmReader{tree: t, pkg: p, file: t.below(file), defines: make(map[string]string)}
	if err := r.read(file); err != nil {
		return nil, err
	}
	return r.funcs, nil
}

// An asmReader reads one file line by line. Of an #ifdef that asks for a system or an architecture the true side counts,
// of others both.
type asmReader struct {
	*tree
	pkg     *pkg
	file    string
	defines map[string]string
	funcs   []*asmFunc
	at      *asmFunc          // the function that the line belongs to
	abi     bool              // it takes its arguments in registers
	held    map[string]string // what was moved into the registers last
	bytes   []byte            // of an instruction that is written so
	ifs     []side
}

// A side is that of an #ifdef that is being read.
type side int

const (
	both side = iota
	taken
	left
)

func (r *asmReader) read(file string) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	joined := strings.ReplaceAll(string(src), "\\\n", " ")
	for i, line := range strings.Split(joined, "\n") {
		line = strings.TrimSpace(comment.ReplaceAllString(line, ""))
		if m := include.FindStringSubmatch(line); m != nil {
			if strings.HasSuffix(m[1], "asm_ppc64x.h") || strings.Contains(m[1], "syscall") {
				if err := r.read(filepath.Join(filepath.Dir(file), m[1])); err != nil && !os.IsNotExist(err) {
					return err
				}
			}
			continue
		}
		if r.skips(line) {
			continue
		}
		if m := define.FindStringSubmatch(line); m != nil {
			r.defines[m[1]] = strings.TrimSpace(m[2])
			continue
		}
		for _, op := range strings.Split(line, ";") {
			if err := r.instruction(strings.TrimSpace(op)); err != nil {
				return fmt.Errorf("%s:%d: %q: %w", file, i+1, line, err)
			}
		}
	}
	return nil
}

// skips tells whether a line is not for this system and architecture.
func (r *asmReader) skips(line string) bool {
	word, rest, _ := strings.Cut(line, " ")
	switch rest = strings.TrimSpace(rest); word {
	case "#ifdef", "#ifndef":
		s := both
		goos, ok1 := strings.CutPrefix(rest, "GOOS_")
		goarch, ok2 := strings.CutPrefix(rest, "GOARCH_")
		if ok1 || ok2 {
			if s = left; (ok1 && goos == "linux" || ok2 && goarch == r.arch) == (word == "#ifdef") {
				s = taken
			}
		}
		r.ifs = append(r.ifs, s)
	case "#else":
		if n := len(r.ifs); n > 0 && r.ifs[n-1] != both {
			r.ifs[n-1] = taken + left - r.ifs[n-1]
		}
	case "#endif":
		r.ifs = r.ifs[:max(0, len(r.ifs)-1)]
	}
	return slices.Contains(r.ifs, left)
}

func (r *asmReader) instruction(op string) error {
	if m := text.FindStringSubmatch(op); m != nil {
		sym := m[1]
		if def, ok := r.defines[sym]; ok { // TEXT ENTRYPOINT(SB)
			sym = def
		}
		_, name, _ := strings.Cut(sym, "·")
		if name == "" {
			name = sym
		}
		id := r.id(sym)
		if m[2] != "" {
			id = r.local(id)
		}
		r.at = &asmFunc{id: id, name: name, file: r.file}
		r.abi = m[3] != ""
		r.held = make(map[string]string)
		r.funcs = append(r.funcs, r.at)
		return nil
	}
	if r.at == nil || strings.HasPrefix(op, "DATA") || strings.HasPrefix(op, "GLOBL") {
		return nil
	}
	for _, m := range symbol.FindAllStringSubmatch(op, -1) {
		id := r.id(m[1])
		if strings.HasSuffix(m[0], "<>(SB)") {
			id = r.local(id)
		}
		if strings.HasPrefix(id, "runtime.vdso") && strings.HasSuffix(id, "Sym") {
			r.at.vdso = append(r.at.vdso, strings.TrimPrefix(id, "runtime."))
		} else {
			r.at.refs = append(r.at.refs, id)
		}
	}
	r.octet(op)
	if m := move.FindStringSubmatch(op); m != nil {
		r.held[m[2]] = m[1]
	}
	m := trap.FindStringSubmatch(op)
	if m == nil || strings.HasPrefix(op, "INT") && m[1] != "$0x80" {
		return nil
	}
	number := m[1] // ppc64x and s390x may say it with the instruction
	if strings.HasPrefix(op, "SWI") || strings.HasPrefix(op, "INT") {
		number = ""
	}
	if number == "" {
		number = numberRegister[r.arch]
	}
	if from, ok := r.held[number]; ok {
		number = from
	} else if number == numberRegister[r.arch] && !r.abi {
		return errors.New("nothing that is understood puts the call's number into " + number)
	}
	value, ok := strings.CutPrefix(number, "$")
	if !ok { // it comes from a register or from the stack: an argument
		r.at.told = true
		return nil
	}
	nr, err := r.number(value)
	if err == nil {
		r.at.numbers = append(r.at.numbers, nr)
	}
	return err
}

// octet reads an instruction that is written as its bytes: MOVQ $number, AX, which runtime·sigreturn__sigaction of amd64
// says so from go1.27 on, as debuggers look for these very bytes.
func (r *asmReader) octet(op string) {
	m := octet.FindStringSubmatch(op)
	if m == nil {
		r.bytes = r.bytes[:0]
		return
	}
	n, err := strconv.ParseUint(m[1], 0, 8)
	if err != nil {
		return // octet has it that it is one
	}
	r.bytes = append(r.bytes, byte(n))
	if imm, ok := bytes.CutPrefix(r.bytes, []byte{0x48, 0xc7, 0xc0}); ok && len(imm) == 4 && r.arch == "amd64" {
		r.held["AX"] = fmt.Sprintf("$%d", binary.LittleEndian.Uint32(imm))
	}
}

// number returns the value of a word: 20, SYS_getpid, (SYS_BASE + 20).
func (r *asmReader) number(word string) (uint32, error) {
	m := sum.FindStringSubmatch(word)
	if m == nil {
		return 0, fmt.Errorf("%s is no number", word)
	}
	if n, err := strconv.ParseUint(m[1], 0, 32); err == nil && m[2] == "" {
		return uint32(n), nil
	}
	total := uint32(0)
	for _, w := range m[1:] {
		if w == "" {
			continue
		}
		n, err := strconv.ParseUint(w, 0, 32)
		if err != nil {
			def, ok := r.defines[w]
			if !ok || def == word {
				return 0, fmt.Errorf("%s is not defined", w)
			}
			v, err := r.number(def)
			if err != nil {
				return 0, err
			}
			n = uint64(v)
		}
		total += uint32(n)
	}
	return total, nil
}

// id returns the name of a symbol as Go has it: runtime.open of runtime·open, and of ·open in package runtime.
func (r *asmReader) id(sym string) string {
	path, name, ok := strings.Cut(sym, "·")
	switch {
	case !ok:
		return sym // _rt0_amd64_linux
	case path == "":
		path = r.pkg.path
	}
	return strings.ReplaceAll(path, "∕", "/") + "." + strings.ReplaceAll(name, "·", ".")
}

// local returns the name of a symbol that is one of its file alone.
func (r *asmReader) local(id string) string { return id + "<" + r.file + ">" }
