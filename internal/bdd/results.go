package bdd

// Results returns the results that n can have, in ascending order.
func (d *Diagram) Results(n Node) (list []uint32) {
	seen := make(map[Node]bool)
	var walk func(Node)
	walk = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if x := &d.nodes[n]; x.level == leafLevel {
			list = append(list, uint32(x.lo))
			for i := len(list) - 1; i > 0 && list[i] < list[i-1]; i-- {
				list[i], list[i-1] = list[i-1], list[i]
			}
		} else {
			walk(x.lo)
			walk(x.hi)
		}
	}
	walk(n)
	return list
}

// Is returns the condition that n's result is v.
func (d *Diagram) Is(n Node, v uint32) Node {
	return d.Map(n, func(x uint32) uint32 {
		if x == v {
			return 1
		}
		return 0
	})
}
