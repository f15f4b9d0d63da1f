package bpf

// Weight tells how many instructions the kernel counts a program for, against those that the filters of a thread may
// have together (MAX_INSNS_PER_PATH of kernel/seccomp.c). It is more than its length: counted are the instructions of
// the kernel's own eBPF, into which it converts the program (net/core/filter.c, bpf_convert_filter, Linux 4.14 to
// 6.18), and it says so nowhere.
func Weight(prog []Instruction) int {
	n := PrologueWeight
	for _, i := range prog {
		n += i.Weight()
	}
	return n
}

// PrologueWeight is what every program begins with: A = 0, X = 0, and the context moved to its register.
const PrologueWeight = 3

// MostWeight is the largest Weight of an instruction.
const MostWeight = 5

// Weight tells how many instructions of eBPF i becomes.
func (i Instruction) Weight() int {
	switch {
	case i.Op == Return:
		return 2 // the constant is loaded, then returned
	case i.Op == DivX:
		return MostWeight // X is extended and tested for zero, in which case the program returns zero
	case i.Op == Jump || !i.IsJump():
		return 1
	}
	n := 1
	if i.Op&srcX == 0 && int32(i.K) < 0 {
		n++ // eBPF extends the sign of a constant, so this one goes through a register
	}
	// "Common case where 'jump_false' is next insn"; for a jump whose true branch is next the condition is inverted,
	// which JSET has no code for. All others take a second jump.
	if jset := i.Op&^srcX == JumpSet; i.Jf != 0 && (i.Jt != 0 || jset) {
		n++
	}
	return n
}
