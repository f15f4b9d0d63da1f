package proc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/stagelock/seccomp/internal/sys"
)

// An Instruction is one instruction of a filter, a struct sock_filter of <linux/filter.h>.
type Instruction = sys.SockFilter

// A Claim is what a process that locked itself by this library says about it. Nobody but the process can have written
// it, and nothing makes it true: who controls the process can claim anything. What the kernel says is in a State.
type Claim struct {
	Stage  string    // in force
	Policy string    // the name of the policy's file, or what stands for it
	Mode   string    // enforce, observe
	Go     string    // the release that the program was built with
	Arch   string    // its GOARCH
	Locked time.Time // when the stage came into force

	// Filters is how many each thread had then, those from elsewhere included; -1 if the process could not see it.
	Filters int
	Own     int // how many of them the process installed itself, the newest ones

	Allowed, Known, Dropped, Floor int // calls: see seccomp.Receipt, of which these are the numbers
	Verified, Inherited            int // threads: see lock.Receipt
	Unverified                     string
	Notes                          []string

	// Programs are the filters of the process's own, the oldest first. There was no room for the last LeftOut of them.
	Programs [][]Instruction
	LeftOut  int

	// Source is the policy as it was declared, or said in code, which the stages are part of. There was no room for the
	// last Cut bytes.
	Source string
	Cut    int
}

// ErrClaim is matched by every error about a claim that makes no sense.
var ErrClaim = errors.New("malformed claim")

// Text returns the claim as it is published: a line for each field, its name first, and the source last. Of a filter
// the line has the number of instructions, and of each, behind a comma, the code, jt, jf and k in decimals, which is how
// iptables and tc take a program of classic BPF.
//
// If there is more than room bytes, the last filters are left out and then the end of the source; what is left out is
// counted.
func (c *Claim) Text(room int) []byte {
	list := c.fields()
	sourceAt := len("source  9999999 \n") + len(c.Source)
	left := c.LeftOut
	for _, p := range c.Programs {
		before := len(list)
		if list = appendProgram(list, p); left > c.LeftOut || len(list)+sourceAt > room {
			list = list[:before]
			left++
		}
	}
	if left > 0 {
		list = appendNumber(list, "left_out", left)
	}
	source, cut := c.Source, c.Cut
	if over := len(list) + sourceAt + len("cut 9999999\n") - room; over > 0 && len(list)+sourceAt > room {
		keep := max(0, len(source)-over)
		keep = strings.LastIndexByte(source[:keep], '\n') + 1 // whole lines
		source, cut = source[:keep], cut+len(source)-keep
	}
	if cut > 0 {
		list = appendNumber(list, "cut", cut)
	}
	list = appendNumber(list, "source", len(source))
	return append(list, source...)
}

// fields returns the lines but for filters and source.
func (c *Claim) fields() []byte {
	b := appendLine(nil, "stage", c.Stage)
	b = appendLine(b, "policy", c.Policy)
	b = appendLine(b, "mode", c.Mode)
	b = appendLine(b, "go", c.Go)
	b = appendLine(b, "arch", c.Arch)
	b = appendLine(b, "locked", strconv.FormatInt(c.Locked.UnixMilli(), 10))
	b = appendNumber(b, "filters", c.Filters)
	b = appendNumber(b, "own", c.Own)
	b = appendNumber(b, "allowed", c.Allowed)
	b = appendNumber(b, "known", c.Known)
	b = appendNumber(b, "dropped", c.Dropped)
	b = appendNumber(b, "floor", c.Floor)
	b = appendNumber(b, "verified", c.Verified)
	b = appendNumber(b, "inherited", c.Inherited)
	if c.Unverified != "" {
		b = appendLine(b, "unverified", c.Unverified)
	}
	for _, n := range c.Notes {
		b = appendLine(b, "note", n)
	}
	return b
}

// appendLine appends a field, on one line whatever is in it.
//
//go:noinline
func appendLine(b []byte, name, value string) []byte {
	b = append(append(b, name...), ' ')
	for _, r := range value {
		if unicode.IsControl(r) {
			r = ' '
		}
		b = append(b, string(r)...)
	}
	return append(b, '\n')
}

func appendNumber(b []byte, name string, n int) []byte { return appendLine(b, name, strconv.Itoa(n)) }

func appendProgram(b []byte, p []Instruction) []byte {
	b = strconv.AppendInt(append(b, "filter "...), int64(len(p)), 10)
	for _, i := range p {
		b = strconv.AppendUint(append(b, ','), uint64(i.Code), 10)
		b = strconv.AppendUint(append(b, ' '), uint64(i.Jt), 10)
		b = strconv.AppendUint(append(b, ' '), uint64(i.Jf), 10)
		b = strconv.AppendUint(append(b, ' '), uint64(i.K), 10)
	}
	return append(b, '\n')
}

// maxProgram is BPF_MAXINSNS: a longer one is in force nowhere.
const maxProgram = 4096

// ParseClaim reads what Text wrote. It skips fields that it doesn't know.
func ParseClaim(text []byte) (Claim, error) {
	var c Claim
	numbers := map[string]*int{
		"filters": &c.Filters, "own": &c.Own, "allowed": &c.Allowed, "known": &c.Known, "dropped": &c.Dropped,
		"floor": &c.Floor, "verified": &c.Verified, "inherited": &c.Inherited, "left_out": &c.LeftOut, "cut": &c.Cut,
	}
	words := map[string]*string{"stage": &c.Stage, "policy": &c.Policy, "mode": &c.Mode, "go": &c.Go, "arch": &c.Arch,
		"unverified": &c.Unverified}
	for rest := string(text); rest != ""; {
		line, more, whole := strings.Cut(rest, "\n")
		if !whole {
			return Claim{}, fmt.Errorf("%w: it ends in %q", ErrClaim, line)
		}
		rest = more
		name, value, _ := strings.Cut(line, " ")
		var err error
		switch name {
		case "locked":
			var at int64
			at, err = strconv.ParseInt(value, 10, 64)
			c.Locked = time.UnixMilli(at)
		case "note":
			c.Notes = append(c.Notes, value)
		case "filter":
			var p []Instruction
			p, err = parseProgram(value)
			c.Programs = append(c.Programs, p)
		case "source":
			var n int
			if n, err = strconv.Atoi(value); err == nil {
				if n != len(rest) {
					return Claim{}, fmt.Errorf("%w: %d bytes of source, not %d", ErrClaim, len(rest), n)
				}
				c.Source = rest
				return c, nil
			}
		default:
			if w := words[name]; w != nil {
				*w = value
			} else if n := numbers[name]; n != nil {
				*n, err = strconv.Atoi(value)
			}
		}
		if err != nil {
			return Claim{}, fmt.Errorf("%w: %s: %w", ErrClaim, name, err)
		}
	}
	return Claim{}, fmt.Errorf("%w: it has no source", ErrClaim)
}

func parseProgram(value string) ([]Instruction, error) {
	count, rest, _ := strings.Cut(value, ",")
	n, err := strconv.ParseUint(count, 10, 16)
	if err != nil {
		return nil, err
	}
	if n == 0 || n > maxProgram {
		return nil, fmt.Errorf("%d instructions", n)
	}
	list := strings.Split(rest, ",")
	if len(list) != int(n) {
		return nil, fmt.Errorf("%d instructions, not %d", len(list), n)
	}
	p := make([]Instruction, n)
	for i, text := range list {
		words := strings.Split(text, " ")
		if len(words) != 4 {
			return nil, fmt.Errorf("instruction %d is %q", i, text)
		}
		var v [4]uint64
		for j, bits := range [4]int{16, 8, 8, 32} {
			if v[j], err = strconv.ParseUint(words[j], 10, bits); err != nil {
				return nil, err
			}
		}
		p[i] = Instruction{Code: uint16(v[0]), Jt: uint8(v[1]), Jf: uint8(v[2]), K: uint32(v[3])}
	}
	return p, nil
}

// Disagrees says in what the kernel's word on a thread differs from the claim; it returns "" where it doesn't.
func (c *Claim) Disagrees(s State) string {
	switch {
	case s.Mode != Filter:
		return fmt.Sprintf("it claims %d filters, the kernel says that the mode is %v", max(c.Filters, c.Own), s.Mode)
	case s.Filters < 0:
		return ""
	case c.Filters < 0 && s.Filters < c.Own:
		return fmt.Sprintf("it claims %d filters of its own, the kernel counts %d", c.Own, s.Filters)
	case c.Filters >= 0 && s.Filters != c.Filters:
		return fmt.Sprintf("it claims %d filters, the kernel counts %d", c.Filters, s.Filters)
	}
	return ""
}
