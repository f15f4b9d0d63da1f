package policy

// A numbered is the number of a call, and below it, in the low 32 bits, the place of a rule about it in a text.
type numbered uint64

func numberedAt(nr uint32, at int) numbered { return numbered(nr)<<32 | numbered(at) }

// place returns the place in the text.
func (n numbered) place() int { return int(uint32(n)) }

// byNumber returns a list in the order of the numbers, what is equal staying in its order; spare is room for as many. It
// sorts by one digit after the other, the last one first: no order that a text could have makes that slow.
func byNumber(list, spare []numbered) []numbered {
	const (
		bits  = 5 // of a digit: two of them hold all numbers of most architectures
		digit = 1<<bits - 1
	)
	spare = spare[:len(list)]
	all := numbered(0)
	for _, x := range list {
		all |= x
	}
	for shift := 32; all>>shift > 0; shift += bits { // &63: it is below 64, which the compiler doesn't see
		var next [digit + 1]int32 // how many have each digit, then where the next of them goes
		for _, x := range list {
			next[x>>(shift&63)&digit]++
		}
		sum := int32(0)
		for d, n := range &next {
			next[d] = sum
			sum += n
		}
		for _, x := range list {
			to := &next[x>>(shift&63)&digit]
			spare[*to] = x
			*to++
		}
		list, spare = spare, list
	}
	return list
}
