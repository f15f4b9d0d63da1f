package kernel

import "strings"

// Known tells whether the tables have the call's prototype.
func (c Call) Known() bool { return !strings.HasPrefix(c.prototype(), "?") }

// Args returns the arguments in the order of the registers. Of a call whose prototype is not Known they are
// arg0 to arg5, as wide as a register.
//
// On a 32-bit architecture a 64-bit argument takes two registers, and so is two arguments here: off_lo and off_hi,
// in the order of the architecture, after a pad where it wants an even register.
func (c Call) Args() []Arg {
	const maxArgs = 6
	proto := c.prototype()
	if proto == "" {
		return nil
	}
	args := make([]Arg, 0, maxArgs)
	if strings.HasPrefix(proto, "?") {
		for i := range maxArgs {
			args = append(args, Arg{"arg" + string(rune('0'+i)), parseType("u" + proto[1:])})
		}
		return args
	}
	for len(proto) > 0 {
		var arg Arg
		arg, proto = cutArg(proto)
		args = append(args, arg)
	}
	return args
}

// Arg returns the argument of a name, and its place among them. A call that isn't Known has none.
func (c Call) Arg(name string) (arg Arg, i int, ok bool) {
	proto := c.prototype()
	if strings.HasPrefix(proto, "?") {
		return Arg{}, 0, false
	}
	for ; len(proto) > 0; i++ {
		if arg, proto = cutArg(proto); arg.Name == name {
			return arg, i, true
		}
	}
	return Arg{}, 0, false
}

// cutArg takes the first argument off a prototype.
func cutArg(proto string) (arg Arg, rest string) {
	colon := strings.IndexByte(proto, ':')
	end := colon + len(":u64")
	return Arg{proto[:colon], parseType(proto[colon+1 : end])}, strings.TrimPrefix(proto[end:], " ")
}

// parseType reads u32, s32, p64 (a pointer in a 64-bit register), and so on.
func parseType(s string) Type {
	t := Type{Signed: s[0] == 's', Pointer: s[0] == 'p'}
	switch s[1:] {
	case "16":
		t.Bits = 16
	case "32":
		t.Bits = 32
	case "64":
		t.Bits = 64
	default:
		panic("kernel: bug: type " + s)
	}
	return t
}

// CloneFlags returns the place of clone's flags among its arguments: s390x has CONFIG_CLONE_BACKWARDS2, kernel/fork.c.
func (a *Arch) CloneFlags() uint8 {
	if a.Name == "s390x" {
		return 1
	}
	return 0
}
