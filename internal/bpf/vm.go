package bpf

import "fmt"

// A Machine runs one program. It has no state: it may be used by several goroutines.
type Machine struct{ prog []Instruction }

// NewMachine returns a machine for a program that Check takes; its error is Check's.
func NewMachine(prog []Instruction) (*Machine, error) {
	if err := Check(prog); err != nil {
		return nil, err
	}
	return &Machine{prog}, nil
}

// Run runs the program on data. It returns the filter's answer and how many instructions it took. What Check let pass
// ends: jumps only go forward, the last instruction is a return.
func (m *Machine) Run(data *Data) (ret uint32, executed int) {
	var a, x uint32
	var mem [memWords]uint32
	for pc := 0; ; pc++ {
		i := m.prog[pc]
		executed++
		operand := i.K
		if i.Op&srcX != 0 {
			operand = x
		}
		switch i.Op {
		case LoadWord:
			a = data.word(i.K)
		case LoadLen:
			a = DataSize
		case LoadXLen:
			x = DataSize
		case LoadImm:
			a = i.K
		case LoadXImm:
			x = i.K
		case LoadMem:
			a = mem[i.K]
		case LoadXMem:
			x = mem[i.K]
		case Store:
			mem[i.K] = a
		case StoreX:
			mem[i.K] = x
		case CopyAToX:
			x = a
		case CopyXToA:
			a = x
		case Return:
			return i.K, executed
		case ReturnA:
			return a, executed
		case Jump:
			pc += int(i.K)
		case DivX:
			// convert_filter of net/core/filter.c: "X == 0: return 0", which is kill-thread.
			if x == 0 {
				return 0, executed
			}
			a /= x
		default:
			switch {
			case i.Op&classMask == classAlu:
				a = alu(i.Op&^srcX, a, operand)
			case test(i.Op&^srcX, a, operand):
				pc += int(i.Jt)
			default:
				pc += int(i.Jf)
			}
		}
	}
}

func alu(op uint16, a, b uint32) uint32 {
	switch op {
	case Add:
		return a + b
	case Sub:
		return a - b
	case Mul:
		return a * b
	case Div:
		return a / b
	case Or:
		return a | b
	case And:
		return a & b
	case Xor:
		return a ^ b
	case Lsh:
		return a << (b & maxShift) // BPF_ALU: shifts are masked by the operand's width
	case Rsh:
		return a >> (b & maxShift)
	case Neg:
		return -a
	}
	panic(fmt.Sprintf("bpf: bug: operation %#x was let pass", op))
}

// test is the condition of a jump.
func test(op uint16, a, b uint32) bool {
	switch op {
	case JumpEq:
		return a == b
	case JumpGt:
		return a > b
	case JumpGe:
		return a >= b
	case JumpSet:
		return a&b != 0
	}
	panic(fmt.Sprintf("bpf: bug: operation %#x was let pass", op))
}

// Holds tells whether the test of a conditional jump with a constant holds for A.
func Holds(i Instruction, a uint32) bool { return test(i.Op, a, i.K) }
