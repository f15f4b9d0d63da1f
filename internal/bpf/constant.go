package bpf

// retAllow is SECCOMP_RET_ALLOW of <linux/seccomp.h>.
const retAllow = 0x7fff0000

// ConstantAllow tells whether a kernel from 5.11 on knows without running the program that it allows every call with
// this number and architecture, whatever its arguments: then the call is in the filter's bitmap and costs nothing.
//
// It is seccomp_is_const_allow of kernel/seccomp.c (5.11, unchanged in 6.18): "check if filter is constant allow with
// given data … only syscall number and arch number are considered constant". The kernel follows loads of the number
// and the architecture, RET with a constant, JA, JEQ, JGE, JGT, JSET and AND with a constant; at any other
// instruction it gives up. seccomp_cache_prepare asks it for every number when a filter is attached.
func ConstantAllow(prog []Instruction, arch, nr uint32) bool {
	var reg uint32
	for pc := 0; pc < len(prog); pc++ {
		switch i := prog[pc]; i.Op {
		case LoadWord:
			switch i.K {
			case OffNr:
				reg = nr
			case OffArch:
				reg = arch
			default:
				return false // "can't optimize (non-constant value load)"
			}
		case Return:
			return i.K == retAllow // "reached return with constant values only, check allow"
		case Jump:
			pc += int(i.K)
		case JumpEq, JumpGe, JumpGt, JumpSet:
			if test(i.Op, reg, i.K) {
				pc += int(i.Jt)
			} else {
				pc += int(i.Jf)
			}
		case And:
			reg &= i.K
		default:
			return false // "can't optimize (unknown insn)"
		}
	}
	return false // "ran off the end of the filter?!"
}
