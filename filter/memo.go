package filter

// A memo remembers what choose found: a hash table without deletion, a fraction of what a map takes to fill.
type memo struct {
	entries []memoEntry // its length is a power of two, or 0
	used    int
	now     uint32 // entries of other numbers count as empty
}

type memoEntry struct {
	key [3]node
	to  node
	now uint32
}

// slot returns where a key is, or the empty entry where it belongs. Half of the entries are empty.
func (m *memo) slot(key [3]node) *memoEntry {
	h := uint32(key[0])*0x9e3779b1 ^ uint32(key[1])*0x85ebca77 ^ uint32(key[2])*0xc2b2ae3d
	last := uint32(len(m.entries) - 1)
	for at := (h ^ h>>15) & last; ; at = (at + 1) & last {
		if e := &m.entries[at]; e.now != m.now || e.key == key {
			return e
		}
	}
}

func (m *memo) get(key [3]node) (to node, ok bool) {
	if m.used == 0 {
		return 0, false
	}
	e := m.slot(key)
	return e.to, e.now == m.now
}

// put remembers a key that is not there yet.
func (m *memo) put(key [3]node, to node) {
	if 2*m.used >= len(m.entries) {
		m.grow()
	}
	*m.slot(key) = memoEntry{key, to, m.now}
	m.used++
}

func (m *memo) grow() {
	old := *m
	*m = memo{entries: make([]memoEntry, max(32, 4*len(old.entries))), used: old.used, now: 1}
	for _, e := range old.entries {
		if e.now == old.now {
			e.now = m.now
			*m.slot(e.key) = e
		}
	}
}

// clear forgets everything.
func (m *memo) clear() {
	m.now++
	m.used = 0
}
