package main

import "github.com/stagelock/seccomp/internal/bpf"

// longestPath returns how many instructions a program takes at most: jumps only go forward.
func longestPath(prog []bpf.Instruction) int {
	longest := make([]int, len(prog)) // from each instruction on
	for pc := len(prog) - 1; pc >= 0; pc-- {
		for _, next := range successors(prog, pc) {
			longest[pc] = max(longest[pc], longest[next])
		}
		longest[pc]++
	}
	return longest[0]
}

// successors returns the instructions that may follow the one at pc.
func successors(prog []bpf.Instruction, pc int) []int {
	i := prog[pc]
	switch {
	case i.IsReturn():
		return nil
	case i.Op == bpf.Jump:
		return []int{pc + 1 + int(i.K)}
	case i.IsJump():
		return []int{pc + 1 + int(i.Jt), pc + 1 + int(i.Jf)}
	}
	return []int{pc + 1}
}
