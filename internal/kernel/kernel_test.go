package kernel

import (
	"slices"
	"strings"
	"testing"
)

func each(t *testing.T, f func(t *testing.T, a *Arch)) {
	for _, name := range Names() {
		a, ok := ByName(name)
		if !ok {
			t.Fatal(name)
		}
		t.Run(name, func(t *testing.T) { f(t, a) })
	}
}

func TestTables(t *testing.T) {
	each(t, func(t *testing.T, a *Arch) {
		if len(a.calls) < 300 || 4*len(a.byName) < 5*len(a.calls) {
			t.Fatal(len(a.calls), len(a.byName))
		}
		for i, c := range a.Calls() {
			if i > 0 && a.At(i-1).Nr >= c.Nr {
				t.Error("order: ", c)
			}
			if got, ok := a.Call(c.Name); !ok || got != c {
				t.Error("by name: ", c, got)
			}
			if got, ok := a.CallNr(c.Nr); !ok || got != c {
				t.Error("by number: ", c, got)
			}
			if !KnownCall(c.Name) {
				t.Error("not known: ", c)
			}
			args := c.Args()
			if len(args) > 6 || !c.Known() && len(args) != 6 {
				t.Error(c, args)
			}
			seen := make(map[string]bool)
			for _, arg := range args {
				if arg.Name == "" || seen[arg.Name] || int(arg.Type.Bits) > a.Bits || arg.Type.Pointer && int(arg.Type.Bits) != a.Bits {
					t.Error(c, arg)
				}
				seen[arg.Name] = true
			}
			if c.Weight() < 1 || a.Weight(c.Nr) != c.Weight() {
				t.Error("weight: ", c)
			}
		}
	})
}

func TestConsts(t *testing.T) {
	each(t, func(t *testing.T, a *Arch) {
		all := slices.Collect(a.Consts())
		if len(all) < 2000 {
			t.Fatal(len(all))
		}
		for i, c := range all {
			if i > 0 && all[i-1].Name >= c.Name {
				t.Error("order: ", all[i-1], c)
			}
			if v, ok := a.Const(c.Name); !ok || v != c.Value {
				t.Error(c, v, ok)
			}
			for _, wrong := range []string{c.Name + "_", c.Name[:len(c.Name)-1] + "!", ""} {
				if v, ok := a.Const(wrong); ok {
					t.Error(wrong, v)
				}
			}
			if n, ok := a.Errno(c.Name); ok {
				if n == 0 || n > 4095 || int64(n) != c.Value {
					t.Error(c, n)
				}
				if name, ok := a.ErrnoName(n); !ok {
					t.Error(c)
				} else if back, ok := a.Errno(name); !ok || back != n {
					t.Error(c, name, back)
				}
			}
		}
		var maps []Const
		for _, c := range all {
			if strings.HasPrefix(c.Name, "MAP_") {
				maps = append(maps, c)
			}
		}
		if got := slices.Collect(a.ConstsWithPrefix("MAP_")); !slices.Equal(got, maps) || len(got) < 10 {
			t.Error(got, maps)
		}
	})
}

// A name is looked for in few places, that of a call that programs make in hardly more than one.
func TestFewPlaces(t *testing.T) {
	each(t, func(t *testing.T, a *Arch) {
		last := uint32(len(a.byName) - 1)
		all, busy, common := 0, 0, 0
		for i, c := range a.Calls() {
			n := 1
			for h := hash(c.Name); a.byName[h&last] != uint16(i+1); h++ {
				n++
			}
			all += n
			if c.rank > 0 {
				common += n
				busy++
			}
		}
		t.Logf("%.2f places, %.2f for what programs call", float64(all)/float64(len(a.calls)), float64(common)/float64(busy))
		if all > 3*len(a.calls) || 10*common > 14*busy {
			t.Errorf("%d places for %d calls, %d for the %d that programs make", all, len(a.calls), common, busy)
		}
	})
}

// A run ends where a number is missing, or where it is asked to.
func TestRun(t *testing.T) {
	each(t, func(t *testing.T, a *Arch) {
		known := func(nr uint32) bool { _, ok := a.CallNr(nr); return ok }
		base, _ := a.NameAt(0)
		for lo := base; lo < base+500; lo++ {
			for hi := lo; hi < lo+40; hi++ {
				first := lo
				for first <= hi && !known(first) {
					first++
				}
				last := first
				for last < hi && known(last+1) {
					last++
				}
				gotFirst, gotLast, ok := a.Run(lo, hi)
				if ok != (first <= hi) || ok && (gotFirst != first || gotLast != last) {
					t.Fatalf("from %d to %d: %d to %d, %v, want %d to %d", lo, hi, gotFirst, gotLast, ok, first, last)
				}
			}
		}
	})
}
