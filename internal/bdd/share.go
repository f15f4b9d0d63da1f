package bdd

// Share returns the part of all inputs for which the condition n holds, from 0 to 1: a quarter for what asks two bits
// to be set.
func (d *Diagram) Share(n Node) float64 {
	known := make(map[Node]float64)
	var share func(Node) float64
	share = func(n Node) float64 {
		x := d.nodes[n]
		if x.level == leafLevel {
			return float64(x.lo)
		}
		s, ok := known[n]
		if !ok {
			s = (share(x.lo) + share(x.hi)) / 2
			known[n] = s
		}
		return s
	}
	return share(n)
}
