package filter_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stagelock/seccomp/filter"
	"github.com/stagelock/seccomp/internal/bpf"
	"github.com/stagelock/seccomp/internal/corpus"
	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// operations are those that seccomp takes, the usual ones more than once.
var operations = []uint16{bpf.LoadWord, bpf.LoadWord, bpf.LoadWord, bpf.JumpEq, bpf.JumpEq, bpf.JumpGe, bpf.JumpGt,
	bpf.JumpSet, bpf.And, bpf.And, bpf.Return, bpf.Return, bpf.Jump, bpf.LoadLen, bpf.LoadImm, bpf.LoadMem, bpf.LoadXLen,
	bpf.LoadXImm, bpf.LoadXMem, bpf.Store, bpf.StoreX, bpf.Add, bpf.Sub, bpf.Mul, bpf.Div, bpf.Or, bpf.Lsh, bpf.Rsh,
	bpf.Neg, bpf.Xor, bpf.AddX, bpf.SubX, bpf.MulX, bpf.DivX, bpf.OrX, bpf.AndX, bpf.LshX, bpf.RshX, bpf.XorX,
	bpf.JumpEqX, bpf.JumpGtX, bpf.JumpGeX, bpf.JumpSetX, bpf.ReturnA, bpf.CopyAToX, bpf.CopyXToA}

var returns = []uint32{0x7fff0000, 0x7fff0000, 0x80000000, 0x00050001, 0x00050026, 0x00030000, 0x7ffc0000, 0, 0x7fc00000,
	0x7ff00005, 0x00050000, 0x0005ffff, 0x00030009, 0x12345678}

// programFrom makes a program of bytes, three for an instruction, that the kernel's checker mostly accepts.
func programFrom(b []byte, audit uint32) (prog []bpf.Instruction) {
	for word := range uint32(4) { // so that no word of memory is read before it is written
		prog = append(prog, bpf.Instruction{Op: bpf.Store, K: word})
	}
	offsets := [...]uint32{0, 0, 0, 4, 8, 12, 16, 16, 20, 20, 24, 24, 28, 28, 32, 60}
	n := min(len(b)/3, 400)
	for k := range n {
		left := n - k // instructions after this one, and a return
		i := bpf.Instruction{Op: operations[int(b[3*k])%len(operations)]}
		x, y := uint32(b[3*k+1]), uint32(b[3*k+2])
		switch i.Op {
		case bpf.LoadWord:
			i.K = offsets[x%16]
		case bpf.LoadMem, bpf.LoadXMem, bpf.Store, bpf.StoreX:
			i.K = x % 4
		case bpf.Lsh, bpf.Rsh:
			i.K = x % 32
		case bpf.Div:
			i.K = x + 1
		case bpf.Return:
			i.K = returns[int(x)%len(returns)]
		case bpf.Jump:
			i.K = x % uint32(left)
		default:
			i.K = [...]uint32{x, x, x, audit, x << 8, x << 24, ^x, 0x40000000}[y>>5]
			if i.IsJump() {
				i.Jt, i.Jf = uint8(int(x^y)%min(left, 250)), uint8(int(y)%min(left, 250))
			}
		}
		prog = append(prog, i)
	}
	return append(prog, bpf.Instruction{Op: bpf.Return, K: 0x7fff0000})
}

// rank orders actions as the kernel does, the strictest first.
func rank(ret uint32) int32 { return int32(ret & 0xffff0000) }

// heeded returns what the kernel makes of a return value: the errno has a limit, others have no data, an action that
// it doesn't know kills.
func heeded(ret uint32) uint32 {
	switch action := ret & 0xffff0000; action {
	case 0x00050000:
		return action | min(ret&0xffff, 4095)
	case 0, 0x00030000, 0x7fc00000, 0x7ff00000, 0x7ffc0000, 0x7fff0000:
		return action
	}
	return 0x80000000
}

// checkInputs runs programs, and compares with what was said about them: never is it milder, and of a call of which
// all is said, never another. Bits that the kernel ignores are 0.
func checkInputs(t testing.TB, programs [][]bpf.Instruction, got *filter.Decompiled, random *rand.Rand, perCall int) {
	t.Helper()
	var machines []*bpf.Machine
	for _, p := range programs {
		m, err := bpf.NewMachine(p)
		if err != nil {
			t.Fatal(err)
		}
		machines = append(machines, m)
	}
	values := []uint64{0, 1, 2, 3, 5, 8, 16, 40, 0x5412, 0x8000, 0xffffffff, 0xffffff9c, 1 << 31}
	for _, p := range programs {
		for _, i := range p {
			if i.IsJump() && len(values) < 200 {
				values = append(values, uint64(i.K), uint64(i.K)+1, uint64(i.K)-1)
			}
		}
	}
	for _, abi := range got.ABIs {
		unsaid := make(map[string]bool)
		for _, u := range got.Unsaid {
			for _, c := range u.Calls {
				if u.Arch == abi.Arch && u.Kind != filter.UnsaidBits && u.Kind != filter.UnsaidForeign {
					unsaid[c] = true
				}
			}
		}
		for i := range abi.Table.Calls {
			d := &abi.Table.Calls[i]
			if d.Name == "" {
				continue
			}
			call, _ := abi.Arch.CallNr(d.Nr)
			args := call.Args()
			for range perCall {
				data := bpf.Data{Nr: d.Nr, Arch: abi.Arch.Audit, BigEndian: abi.Arch.BigEndian, IP: random.Uint64()}
				for k := range args {
					v := values[random.IntN(len(values))]
					if random.IntN(2) == 0 {
						v |= values[random.IntN(len(values))] << 32
					}
					data.Args[k] = v & (1<<args[k].Type.Bits - 1)
					if args[k].Type.Signed && data.Args[k]>>(args[k].Type.Bits-1) == 1 {
						data.Args[k] = 0 // how it is extended is the caller's choice
					}
				}
				ret := uint32(0x7fff0000)
				for _, m := range machines {
					r, _ := m.Run(&data)
					ret = filter.Stricter(ret, r)
				}
				said := abi.Table.Eval(d.Nr, data.Args).Action.Ret()
				if !unsaid[d.Name] && said != heeded(ret) || rank(said) > rank(heeded(ret)) {
					t.Fatalf("%s %s %#x: the program gives %#x, said is %#x\n%s", abi.Arch.Name, d.Name, data.Args, ret, said, abi.Text)
				}
			}
		}
	}
}

// checkTexts proves that each text says what its table does.
func checkTexts(t testing.TB, got *filter.Decompiled) {
	t.Helper()
	for _, abi := range got.ABIs {
		read := tableOf(t, abi.Arch, noSets{}, abi.Text)
		d := policy.NewDecider(1 << 22)
		for i := range abi.Table.Calls {
			c := &abi.Table.Calls[i]
			other, ok := read.Find(c.Nr)
			if !ok || d.Clauses(c.Clauses) != d.Clauses(other.Clauses) {
				t.Errorf("%s: the text says otherwise of %s (%d) than the table\n%s", abi.Arch.Name, c.Name, c.Nr, abi.Text)
			}
		}
		if err := d.Err(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzDecompile(f *testing.F) {
	corpus.AddBytes(f)
	for _, b := range foreignSeeds(f) {
		f.Add(append(b, 1))
	}
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 4))
		b := make([]byte, 30<<(seed/2))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		f.Add(append(b, byte(seed)))
	}
	names := []string{"amd64", "386", "s390x", "arm64"}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		kind := b[len(b)-1] // which architecture, and whether b is a program or makes one
		b = b[:len(b)-1]
		arch, _ := kernel.ByName(names[int(kind/2)%len(names)])
		prog := programFrom(b, arch.Audit)
		if kind&1 == 1 {
			if len(b) > 8*600 {
				return
			}
			prog, _ = bpf.Decode(b, binary.LittleEndian)
		}
		got, err := filter.Decompile(prog, filter.DecompileOptions{Arch: arch})
		if bpf.Check(prog) != nil {
			if err == nil {
				t.Error("taken, though the kernel would refuse it")
			}
			return
		}
		if err != nil {
			if !errors.Is(err, filter.ErrUndecided) || len(got.Unsaid) == 0 || got.Unsaid[0].Listing == "" {
				t.Errorf("%v: nothing is left of the program", err)
			}
			return
		}
		checkInputs(t, [][]bpf.Instruction{prog}, got, rand.New(rand.NewPCG(1, 2)), 2)
		checkTexts(t, got)
	})
}
