package bpf

import "fmt"

// The kernel's own assembler (tools/bpf/bpf_asm) reads these names.
var (
	aluNames  = [16]string{"add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "", "xor"}
	jumpNames = [16]string{"ja", "jeq", "jgt", "jge", "jset"}
)

// String returns the instruction in the kernel's assembly language, jumps as the distance to what they lead to, 0
// being the next instruction.
func (i Instruction) String() string {
	return i.text(func(skip uint64) string { return fmt.Sprintf("+%d", skip) })
}

// At returns the instruction in the kernel's assembly language as the pc-th of a program: jumps lead to lN, N being
// the index of an instruction.
func (i Instruction) At(pc int) string {
	return i.text(func(skip uint64) string { return fmt.Sprintf("l%d", uint64(pc)+1+skip) })
}

func (i Instruction) text(target func(skip uint64) string) string {
	imm := fmt.Sprintf("#%#x", i.K)
	switch i.Op {
	case LoadWord:
		return fmt.Sprintf("ld [%d]", i.K)
	case LoadLen:
		return "ld #len"
	case LoadImm:
		return "ld " + imm
	case LoadMem:
		return fmt.Sprintf("ld M[%d]", i.K)
	case LoadXLen:
		return "ldx #len"
	case LoadXImm:
		return "ldx " + imm
	case LoadXMem:
		return fmt.Sprintf("ldx M[%d]", i.K)
	case Store:
		return fmt.Sprintf("st M[%d]", i.K)
	case StoreX:
		return fmt.Sprintf("stx M[%d]", i.K)
	case CopyAToX:
		return "tax"
	case CopyXToA:
		return "txa"
	case Neg:
		return "neg"
	case Return:
		return "ret " + imm
	case ReturnA:
		return "ret a"
	case Jump:
		return "ja " + target(uint64(i.K))
	}
	if i.Op&srcX != 0 {
		imm = "x"
	}
	name := ""
	switch i.Op & classMask {
	case classAlu:
		if name = aluNames[i.Op>>4&0xf]; name != "" && i.Op <= lastOpCode && i.Op&^srcX != Neg {
			return name + " " + imm
		}
	case classJmp:
		if name = jumpNames[i.Op>>4&0xf]; name != "" && i.Op <= lastOpCode && i.Op&^srcX != Jump {
			return fmt.Sprintf("%s %s, %s, %s", name, imm, target(uint64(i.Jt)), target(uint64(i.Jf)))
		}
	}
	return fmt.Sprintf(".insn %#04x, %d, %d, %#x", i.Op, i.Jt, i.Jf, i.K) // no operation of seccomp's: nothing is lost
}
