// Package bpf is classic BPF as seccomp uses it: instructions, a builder that gets every jump right, the kernel's own
// rules about which programs it takes and which it can answer for in advance, and a machine to run them on.
//
// It knows nothing of system calls or policies.
package bpf

import (
	"encoding/binary"
	"fmt"
)

// An Instruction is a struct sock_filter of <linux/filter.h>.
type Instruction struct {
	Op     uint16
	Jt, Jf uint8 // instructions skipped where a conditional jump's test is true, false
	K      uint32
}

// InstructionSize is the size of a struct sock_filter in bytes.
const InstructionSize = 8

// MaxInstructions is the kernel's BPF_MAXINSNS: no program may be longer.
const MaxInstructions = 4096

// Classes, the low three bits of an Op: <linux/bpf_common.h>.
const (
	classLd = iota
	classLdx
	classSt
	classStx
	classAlu
	classJmp
	classRet
	classMisc

	classMask = 0x07
)

// Addressing modes of loads, operands of the others.
const (
	modeImm = 0x00
	modeAbs = 0x20
	modeMem = 0x60
	modeLen = 0x80

	srcX = 0x08 // the operand is X instead of K
	retA = 0x10 // BPF_RET: the value is A instead of K
)

// The operations that seccomp takes: seccomp_check_filter of kernel/seccomp.c lists them. Those with an X at the end
// have X for an operand, the others K.
const (
	LoadWord   uint16 = classLd | modeAbs // A = the word of seccomp_data at K
	LoadLen    uint16 = classLd | modeLen // A = sizeof(struct seccomp_data)
	LoadImm    uint16 = classLd | modeImm // A = K
	LoadMem    uint16 = classLd | modeMem // A = M[K]
	LoadXLen   uint16 = classLdx | modeLen
	LoadXImm   uint16 = classLdx | modeImm
	LoadXMem   uint16 = classLdx | modeMem
	Store      uint16 = classSt  // M[K] = A
	StoreX     uint16 = classStx // M[K] = X
	Add        uint16 = classAlu
	Sub        uint16 = classAlu | 0x10
	Mul        uint16 = classAlu | 0x20
	Div        uint16 = classAlu | 0x30
	Or         uint16 = classAlu | 0x40
	And        uint16 = classAlu | 0x50
	Lsh        uint16 = classAlu | 0x60
	Rsh        uint16 = classAlu | 0x70
	Neg        uint16 = classAlu | 0x80
	Xor        uint16 = classAlu | 0xa0
	AddX       uint16 = Add | srcX
	SubX       uint16 = Sub | srcX
	MulX       uint16 = Mul | srcX
	DivX       uint16 = Div | srcX
	OrX        uint16 = Or | srcX
	AndX       uint16 = And | srcX
	LshX       uint16 = Lsh | srcX
	RshX       uint16 = Rsh | srcX
	XorX       uint16 = Xor | srcX
	Jump       uint16 = classJmp // skip K instructions
	JumpEq     uint16 = classJmp | 0x10
	JumpGt     uint16 = classJmp | 0x20
	JumpGe     uint16 = classJmp | 0x30
	JumpSet    uint16 = classJmp | 0x40 // true where A & K != 0
	JumpEqX    uint16 = JumpEq | srcX
	JumpGtX    uint16 = JumpGt | srcX
	JumpGeX    uint16 = JumpGe | srcX
	JumpSetX   uint16 = JumpSet | srcX
	Return     uint16 = classRet
	ReturnA    uint16 = classRet | retA
	CopyAToX   uint16 = classMisc        // tax
	CopyXToA   uint16 = classMisc | 0x80 // txa
	memWords          = 16               // BPF_MEMWORDS
	maxShift          = 31
	maxJumpFar        = 255
	lastOpCode uint16 = 0xff
)

// IsJump tells whether the instruction has more than one successor, or one that is not the next.
func (i Instruction) IsJump() bool { return i.Op&classMask == classJmp }

// IsReturn tells whether the program ends here.
func (i Instruction) IsReturn() bool { return i.Op&classMask == classRet }

// Encode appends the instructions as an array of struct sock_filter in the target's byte order.
func Encode(b []byte, order binary.AppendByteOrder, prog []Instruction) []byte {
	for _, i := range prog {
		b = order.AppendUint16(b, i.Op)
		b = append(b, i.Jt, i.Jf)
		b = order.AppendUint32(b, i.K)
	}
	return b
}

// Decode is Encode's inverse. It takes any instruction, also those that Check refuses.
func Decode(b []byte, order binary.ByteOrder) ([]Instruction, error) {
	if len(b)%InstructionSize != 0 {
		return nil, fmt.Errorf("bpf: %d bytes are not a whole number of instructions of %d bytes", len(b), InstructionSize)
	}
	prog := make([]Instruction, 0, len(b)/InstructionSize)
	for ; len(b) > 0; b = b[InstructionSize:] {
		prog = append(prog, Instruction{order.Uint16(b), b[2], b[3], order.Uint32(b[4:])})
	}
	return prog, nil
}
