package bpf

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
)

// randomProgram returns a program of any instructions that Check takes.
func randomProgram(random *rand.Rand) []Instruction {
	ops := []uint16{LoadWord, LoadWord, LoadLen, LoadImm, LoadMem, LoadXLen, LoadXImm, LoadXMem, Store, StoreX,
		Add, Sub, Mul, Div, Or, And, Lsh, Rsh, Neg, Xor, AddX, SubX, MulX, DivX, OrX, AndX, LshX, RshX, XorX,
		Jump, JumpEq, JumpGt, JumpGe, JumpSet, JumpEqX, JumpGtX, JumpGeX, JumpSetX, Return, ReturnA, CopyAToX, CopyXToA}
	for {
		n := 2 + random.IntN(20)
		prog := make([]Instruction, n)
		for i := range prog {
			ins := Instruction{Op: ops[random.IntN(len(ops))], K: random.Uint32N(9)}
			left := n - 1 - i
			switch {
			case ins.Op == LoadWord:
				ins.K = 4 * random.Uint32N(16)
			case ins.Op == Jump && left > 0:
				ins.K = uint32(random.IntN(left))
			case ins.IsJump() && left > 0:
				ins.Jt, ins.Jf = uint8(random.IntN(left)), uint8(random.IntN(left))
			case random.IntN(3) == 0:
				ins.K = random.Uint32() >> random.IntN(32)
			}
			prog[i] = ins
		}
		prog[n-1] = Instruction{Op: Return, K: 7}
		if Check(prog) == nil {
			return prog
		}
	}
}

// The machine of x/net/bpf is the oracle. It loads words in network order, so it is given them that way; it gives no
// answer for a division by zero, none for neg, and shifts by 32 and more give 0 there.
func TestMachineAgainstNetBPF(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	ran := 0
	for range 20000 {
		prog := randomProgram(random)
		raw := make([]bpf.RawInstruction, len(prog))
		oracleDiffers := false
		for i, ins := range prog {
			raw[i] = bpf.RawInstruction{Op: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
			switch ins.Op {
			case DivX, LshX, RshX, LoadLen, LoadXLen, Neg:
				oracleDiffers = true
			}
		}
		theirs, all := bpf.Disassemble(raw)
		if oracleDiffers || !all {
			continue
		}
		vm, err := bpf.NewVM(theirs)
		if err != nil {
			continue
		}
		d := Data{Nr: random.Uint32N(9), Arch: random.Uint32(), IP: random.Uint64(), BigEndian: random.IntN(2) == 0}
		for i := range d.Args {
			d.Args[i] = random.Uint64() >> random.IntN(64)
		}
		b := d.Bytes()
		if !d.BigEndian {
			for i := 0; i < len(b); i += 4 {
				slices.Reverse(b[i : i+4])
			}
		}
		want, err := vm.Run(b[:])
		if err != nil {
			t.Fatal(err)
		}
		m, err := NewMachine(prog)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := m.Run(&d); got != uint32(want) {
			t.Fatalf("%v on %+v: %#x, x/net/bpf says %#x", prog, d, got, want)
		}
		ran++
	}
	if ran < 5000 {
		t.Errorf("only %d programs were compared", ran)
	}
}

func TestMachineOddities(t *testing.T) {
	for _, c := range []struct {
		name string
		prog []Instruction
		want uint32
	}{
		{"division by an X of zero kills", []Instruction{{Op: LoadImm, K: 8}, {Op: DivX}, {Op: ReturnA}}, 0},
		{"division by X", []Instruction{{Op: LoadXImm, K: 2}, {Op: LoadImm, K: 8}, {Op: DivX}, {Op: ReturnA}}, 4},
		{"negation", []Instruction{{Op: LoadImm, K: 8}, {Op: Neg}, {Op: ReturnA}}, 1<<32 - 8},
		{"length", []Instruction{{Op: LoadLen}, {Op: ReturnA}}, 64},
		{"length in X", []Instruction{{Op: LoadXLen}, {Op: CopyXToA}, {Op: ReturnA}}, 64},
		{"shift by X", []Instruction{{Op: LoadXImm, K: 3}, {Op: LoadImm, K: 8}, {Op: RshX}, {Op: ReturnA}}, 1},
	} {
		m, err := NewMachine(c.prog)
		if err != nil {
			t.Fatal(err)
		}
		if got, n := m.Run(&Data{}); got != c.want || n > len(c.prog) {
			t.Errorf("%s: %d after %d instructions, want %d", c.name, got, n, c.want)
		}
	}
}

func TestDataLayout(t *testing.T) {
	d := Data{Nr: 1, Arch: 2, IP: 3<<32 | 4, Args: [6]uint64{5<<32 | 6, 7, 8, 9, 10, 11<<32 | 12}}
	for _, big := range []bool{false, true} {
		d.BigEndian = big
		var order binary.ByteOrder = binary.LittleEndian
		if big {
			order = binary.BigEndian
		}
		b := d.Bytes()
		for off := uint32(0); off < DataSize; off += 4 {
			if got, want := d.word(off), order.Uint32(b[off:]); got != want {
				t.Errorf("big endian %v, word at %d: %d, want %d", big, off, got, want)
			}
		}
		for arg, x := range d.Args {
			lo, hi := d.word(ArgOffset(arg, false, big)), d.word(ArgOffset(arg, true, big))
			if lo != uint32(x) || hi != uint32(x>>32) {
				t.Errorf("big endian %v, argument %d: %d, %d", big, arg, lo, hi)
			}
		}
	}
}

func TestEncodeDecode(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	prog := randomProgram(random)
	prog = append(prog, Instruction{0xffff, 1, 2, 0xdeadbeef})
	for _, order := range []interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}{binary.LittleEndian, binary.BigEndian} {
		b := Encode(nil, order, prog)
		got, err := Decode(b, order)
		if err != nil || !slices.Equal(got, prog) {
			t.Errorf("%v: %v, %v", order, got, err)
		}
		if _, err := Decode(b[1:], order); err == nil {
			t.Error("a part of an instruction was taken")
		}
	}
	// struct sock_filter { __u16 code; __u8 jt; __u8 jf; __u32 k; }
	if got := Encode(nil, binary.BigEndian, []Instruction{{0x0102, 3, 4, 0x05060708}}); !slices.Equal(got, []byte{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("%v", got)
	}
}

// Each is refused by the kernel too: see the rule quoted in check.go.
func TestCheckRefuses(t *testing.T) {
	ret := Instruction{Op: Return}
	for _, c := range []struct {
		name string
		prog []Instruction
	}{
		{"nothing", nil},
		{"too long", slices.Repeat([]Instruction{ret}, MaxInstructions+1)},
		{"no return at the end", []Instruction{ret, {Op: LoadImm}}},
		{"unaligned load", []Instruction{{Op: LoadWord, K: 2}, ret}},
		{"load out of bounds", []Instruction{{Op: LoadWord, K: 64}, ret}},
		{"load of a byte", []Instruction{{Op: LoadWord | 0x10}, ret}},
		{"load by X", []Instruction{{Op: 0x40}, ret}},
		{"division by zero", []Instruction{{Op: Div}, ret}},
		{"modulo", []Instruction{{Op: 0x94, K: 1}, ret}},
		{"shift by 32", []Instruction{{Op: Lsh, K: 32}, ret}},
		{"memory word 16", []Instruction{{Op: Store, K: 16}, ret}},
		{"unwritten memory", []Instruction{{Op: LoadMem, K: 1}, ret}},
		{"memory written on one way only", []Instruction{{Op: JumpEq, Jf: 1}, {Op: Store}, {Op: LoadMem}, ret}},
		{"far jump out", []Instruction{{Op: Jump, K: 1}, ret}},
		{"far jump around", []Instruction{{Op: Jump, K: 1<<32 - 1}, ret}},
		{"jump out where true", []Instruction{{Op: JumpEq, Jt: 1}, ret}},
		{"jump out where false", []Instruction{{Op: JumpEq, Jf: 1}, ret}},
		{"return of X", []Instruction{{Op: Return | 0x08}, ret}},
		{"high bits", []Instruction{{Op: Return | 0x100}, ret}},
	} {
		var e *InvalidError
		if err := Check(c.prog); !errors.Is(err, ErrInvalid) || !errors.As(err, &e) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	fine := []Instruction{{Op: JumpEq, Jf: 1}, {Op: Store}, {Op: Store}, {Op: LoadMem}, ret}
	if err := Check(fine); err != nil {
		t.Error(err)
	}
}

func TestConstantAllow(t *testing.T) {
	allow, deny := Instruction{Op: Return, K: retAllow}, Instruction{Op: Return, K: 0x50001}
	for _, c := range []struct {
		name string
		prog []Instruction
		want bool
	}{
		{"allow", []Instruction{allow}, true},
		{"log", []Instruction{{Op: Return, K: 0x7ffc0000}}, false},
		{"by number", []Instruction{{Op: LoadWord}, {Op: JumpEq, K: 39, Jf: 1}, allow, deny}, true},
		{"by architecture", []Instruction{{Op: LoadWord, K: 4}, {Op: JumpEq, K: 77, Jf: 1}, allow, deny}, true},
		{"masked", []Instruction{{Op: LoadWord}, {Op: And, K: 7}, {Op: JumpEq, K: 7, Jf: 1}, allow, deny}, true},
		{"jumps", []Instruction{{Op: LoadWord}, {Op: Jump, K: 1}, deny, {Op: JumpSet, K: 1, Jf: 3}, {Op: JumpGe, K: 39, Jf: 2},
			{Op: JumpGt, K: 39, Jt: 1}, allow, deny}, true},
		{"an argument loaded", []Instruction{{Op: LoadWord, K: 16}, allow}, false},
		{"shifted", []Instruction{{Op: LoadWord}, {Op: Rsh, K: 1}, allow}, false},
		{"in X", []Instruction{{Op: LoadXImm}, allow}, false},
		{"return of A", []Instruction{{Op: LoadImm, K: retAllow}, {Op: ReturnA}}, false},
		{"refused", []Instruction{{Op: LoadWord}, {Op: JumpEq, K: 39, Jt: 1}, allow, deny}, false},
	} {
		if got := ConstantAllow(c.prog, 77, 39); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Random branches, each to two of the places there already: every input must come out where the branches lead.
func TestBuilderFarJumps(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 9))
		type branch struct{ yes, no int } // places: returns below 4, then branches
		var b Builder
		labels := []Label{b.Return(0), b.Return(1), b.Return(2), b.Return(3)}
		var tree []branch
		n := 1 + random.IntN(2500)
		for i := range n {
			pick := func() int {
				if random.IntN(3) == 0 {
					return random.IntN(len(labels)) // anywhere
				}
				return max(0, len(labels)-1-random.IntN(min(len(labels), 5)))
			}
			br := branch{pick(), pick()}
			for br.yes == br.no {
				br.no = random.IntN(len(labels))
			}
			tree = append(tree, br)
			at := b.Branch(JumpSet, 1<<(i%31), labels[br.yes], labels[br.no])
			labels = append(labels, at)
			if random.IntN(4) == 0 {
				labels[len(labels)-1] = b.Then(LoadWord, OffNr, at)
			}
		}
		prog := b.Program()
		if len(prog) > MaxInstructions {
			continue
		}
		entry := b.Index(labels[len(labels)-1])
		m, err := NewMachine(append([]Instruction{{Op: LoadWord}, {Op: Jump, K: uint32(entry)}}, prog...))
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			nr := random.Uint32()
			at := len(labels) - 1
			for at >= 4 {
				if nr>>((at-4)%31)&1 == 1 {
					at = tree[at-4].yes
				} else {
					at = tree[at-4].no
				}
			}
			if got, _ := m.Run(&Data{Nr: nr}); got != uint32(at) {
				t.Fatalf("seed %d, %d instructions: %#x came out at %d, not %d", seed, len(prog), nr, got, at)
			}
		}
	}
}

// At 255 instructions no JA is needed, at 256 one is.
func TestBuilderShortestJumps(t *testing.T) {
	for _, between := range []int{0, 254, 255, 256, 300} {
		var b Builder
		far := b.Then(LoadImm, 1, b.Return(1))
		next := b.Return(2)
		for range between - 1 {
			next = b.Then(LoadImm, 2, next)
		}
		b.Branch(JumpEq, 0, far, next)
		want := 1 + between + 2 // the branch, what lies between, load and return
		if between == 0 {
			want = 4
		}
		if between > 255 {
			want++
		}
		if got := b.Len(); got != want {
			t.Errorf("%d instructions between: %d in all, want %d", between, got, want)
		}
	}
}

func TestString(t *testing.T) {
	for want, i := range map[string]Instruction{
		"ld [4]":                  {Op: LoadWord, K: 4},
		"ld #len":                 {Op: LoadLen},
		"ld M[3]":                 {Op: LoadMem, K: 3},
		"ldx #0x7":                {Op: LoadXImm, K: 7},
		"stx M[2]":                {Op: StoreX, K: 2},
		"and #0xff":               {Op: And, K: 255},
		"xor x":                   {Op: XorX},
		"neg":                     {Op: Neg},
		"ja l15":                  {Op: Jump, K: 4},
		"jset #0x1, l12, l13":     {Op: JumpSet, K: 1, Jt: 1, Jf: 2},
		"jge x, l11, l266":        {Op: JumpGeX, Jf: 255},
		"ret #0x7fff0000":         {Op: Return, K: retAllow},
		"ret a":                   {Op: ReturnA},
		".insn 0x0094, 1, 2, 0x3": {0x94, 1, 2, 3},
		".insn 0xff05, 1, 2, 0x3": {0xff05, 1, 2, 3},
		".insn 0x000d, 0, 0, 0x0": {Op: Jump | srcX},
	} {
		if got := i.At(10); got != want {
			t.Errorf("%#v: %q, want %q", i, got, want)
		}
	}
	if got := (Instruction{Op: JumpEq, K: 5, Jf: 2}).String(); got != "jeq #0x5, +0, +2" {
		t.Error(got)
	}
}

// Our listing and x/net/bpf's decoding agree about what every operation is.
func TestKnownOperations(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		for _, i := range randomProgram(random) {
			raw := bpf.RawInstruction{Op: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K}
			if _, unknown := raw.Disassemble().(bpf.RawInstruction); unknown != (i.String()[0] == '.') {
				t.Fatalf("%#v: %v, x/net/bpf says %v", i, i, reflect.TypeOf(raw.Disassemble()))
			}
		}
	}
}

// No instruction is counted for more than MostWeight, and one is for as many.
func TestMostWeight(t *testing.T) {
	most := 0
	for op := range 1 << 16 {
		most = max(most, Instruction{Op: uint16(op), Jt: 1, Jf: 1, K: 1 << 31}.Weight())
	}
	if most != MostWeight {
		t.Errorf("an instruction is counted for %d, and %d is said to be the most", most, MostWeight)
	}
}
