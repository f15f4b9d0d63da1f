package kernel

// Weight says how often Go programs make the call, in thousandths of the busiest one's rate: calls that a compiler
// should decide early weigh more. It is an estimate from what busy network services do (traces of net/http servers
// under load), and never 0. Only the order of magnitude matters.
func (c Call) Weight() int { return int(weights[c.rank]) }

// weights are the weights there are.
var weights = [...]uint16{1, 10, 30, 100, 300, 1000}

// Weight returns what Call.Weight does, and 1 for a number that the tables don't have.
func (a *Arch) Weight(nr uint32) int {
	i, ok := a.Index(nr)
	if !ok {
		return int(weights[0])
	}
	return a.WeightAt(i)
}

// WeightAt returns the Weight of the call at a place, as At does the call.
func (a *Arch) WeightAt(i int) int { return int(weights[a.calls[i].rank]) }
