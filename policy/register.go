package policy

import (
	"fmt"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/rule"
)

// Register returns what a person means who writes a value for an argument register: a number (-1, 0x1f, 0o17) or
// constants (AF_INET, PROT_READ|PROT_WRITE). own has the process's own values by name, such as self.pid. Where a name
// is unknown the error is a *NameError.
func Register(text string, arch *kernel.Arch, own map[string]uint64) (uint64, error) {
	v, err := rule.ParseValue("", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no value: a number (-1, 0x1f, 0o17) or constants (AF_INET, PROT_READ|PROT_WRITE) "+
			"are wanted", text)
	}
	return register(v, arch, own)
}

// A NameError says that there is no constant of a name, nor a value of the process. It is an ErrUnknown.
type NameError struct {
	Name string
	near string // as rule.DidYouMean has it
}

func (e *NameError) Error() string { return "unknown constant " + quote(e.Name) + e.near }

// Is reports that every NameError is an ErrUnknown.
func (e *NameError) Is(target error) bool { return target == ErrUnknown }

func register(v rule.Value, arch *kernel.Arch, own map[string]uint64) (uint64, error) {
	switch v := v.(type) {
	case *rule.Number:
		if v.Neg {
			return -v.Abs, nil
		}
		return v.Abs, nil
	case *rule.Ident:
		if c, ok := arch.Const(v.Name); ok {
			return uint64(c), nil
		}
		if x, ok := own[v.Name]; ok {
			return x, nil
		}
		return 0, &NameError{v.Name, rule.DidYouMean(v.Name, constNames(arch, v.Name))}
	case *rule.Complement:
		x, err := register(v.X, arch, own)
		return ^x, err
	case *rule.Join:
		return registers(v.X, arch, own, 0, func(x, y uint64) uint64 { return x | y })
	case *rule.Meet:
		return registers(v.X, arch, own, 1<<64-1, func(x, y uint64) uint64 { return x & y })
	}
	panic(bug("a value of type %T", v))
}

func registers(list []rule.Value, arch *kernel.Arch, own map[string]uint64, x uint64, join func(x, y uint64) uint64) (uint64, error) {
	for _, v := range list {
		y, err := register(v, arch, own)
		if err != nil {
			return 0, err
		}
		x = join(x, y)
	}
	return x, nil
}
