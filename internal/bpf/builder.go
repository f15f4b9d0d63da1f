package bpf

import "slices"

// A Label is a place in a program that is being built. The zero Label is no place.
type Label int32

// A Builder makes a program from its end to its beginning: an instruction is added after everything that it may lead
// to. BPF's jumps only go forward, so each finds its target in place, its distance known, and a jump that the eight
// bits of a conditional one don't reach is seen right away and gets a JA. Nothing is ever moved again: jumps are
// right at any size, and no JA is made that isn't needed.
//
// Methods that add an instruction return its Label. The zero Builder is ready.
type Builder struct {
	rev     []Instruction   // in reverse: rev[0] is the last instruction
	islands map[Label]Label // the nearest JA to a target, or of a return its nearest copy
	returns []ret
}

type ret struct {
	value uint32
	at    Label
}

// Label of rev[i] is i+1.
func (b *Builder) add(i Instruction) Label {
	b.rev = append(b.rev, i)
	return Label(len(b.rev))
}

// Grow makes room for n instructions more.
func (b *Builder) Grow(n int) {
	b.rev = slices.Grow(b.rev, n)
	b.returns = slices.Grow(b.returns, 4)
}

// Reset takes all instructions away, and keeps the room for them.
func (b *Builder) Reset() {
	b.rev, b.islands, b.returns = b.rev[:0], nil, b.returns[:0]
}

// Len returns how many instructions there are.
func (b *Builder) Len() int { return len(b.rev) }

// distance returns how many instructions an instruction added now would skip on its way to l.
func (b *Builder) distance(l Label) int { return len(b.rev) - int(l) }

// Return adds a return of value, or finds one that a conditional jump added next still reaches.
func (b *Builder) Return(value uint32) Label {
	for n := range b.returns {
		r := &b.returns[n]
		if r.value == value {
			if b.distance(r.at) > maxJumpFar {
				r.at = b.add(Instruction{Op: Return, K: value})
			}
			return r.at
		}
	}
	at := b.add(Instruction{Op: Return, K: value})
	b.returns = append(b.returns, ret{value, at})
	return at
}

// Then adds an instruction that is neither a jump nor a return, and after which next is run.
func (b *Builder) Then(op uint16, k uint32, next Label) Label {
	b.fallTo(next)
	return b.add(Instruction{Op: op, K: k})
}

// Branch adds a conditional jump to yes or no.
func (b *Builder) Branch(op uint16, k uint32, yes, no Label) Label {
	if yes == no {
		return yes
	}
	// Bringing one of them near may push the other out of reach, which then needs a JA too; nothing after that can
	// undo the first, since two JAs are no distance.
	for b.distance(yes) > maxJumpFar || b.distance(no) > maxJumpFar {
		if b.distance(yes) > maxJumpFar {
			yes = b.near(yes)
		}
		if b.distance(no) > maxJumpFar {
			no = b.near(no)
		}
	}
	return b.add(Instruction{op, uint8(b.distance(yes)), uint8(b.distance(no)), k})
}

// fallTo makes next the instruction that follows.
func (b *Builder) fallTo(next Label) {
	if b.distance(next) != 0 {
		b.hop(next)
	}
}

// near returns a place that does the same as l and that a conditional jump added next reaches.
func (b *Builder) near(l Label) Label {
	if at, ok := b.islands[l]; ok && b.distance(at) <= maxJumpFar {
		return at
	}
	return b.hop(l)
}

// hop adds an instruction that does the same as l by itself: a JA, or for a return or a conditional jump whose targets
// are in reach, which cost no more and save the JA, its like.
func (b *Builder) hop(l Label) Label {
	i := b.rev[l-1]
	switch far := b.distance(l) + 1; {
	case i.IsReturn():
	case i.IsJump() && i.Op != Jump && max(int(i.Jt), int(i.Jf))+far <= maxJumpFar:
		i.Jt += uint8(far)
		i.Jf += uint8(far)
	default:
		i = Instruction{Op: Jump, K: uint32(b.distance(l))}
	}
	at := b.add(i)
	if b.islands == nil {
		b.islands = make(map[Label]Label)
	}
	b.islands[l] = at
	return at
}

// Program returns the instructions in order. The one added last is the first.
func (b *Builder) Program() []Instruction {
	prog := slices.Clone(b.rev)
	slices.Reverse(prog)
	return prog
}

// Index returns the position in Program of the instruction at l. It may be asked once everything is built.
func (b *Builder) Index(l Label) int { return len(b.rev) - int(l) }
