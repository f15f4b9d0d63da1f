package main

import (
	"fmt"
	"log"
	"slices"
	"strings"
)

// A param is a parameter of a prototype.
type param struct{ ctype, name string }

// readPrototypes returns the prototypes by entry point, or by entry@goarch.
func readPrototypes() map[string][]param {
	protos := make(map[string][]param)
	for _, line := range append(read("prototypes.txt"), read("prototypes_more.txt")...) {
		key, rest, ok := strings.Cut(line, "(")
		list, ok2 := strings.CutSuffix(rest, ")")
		if !ok || !ok2 {
			log.Fatal("prototype: ", line)
		}
		params := []param{}
		for _, p := range strings.Split(list, ", ") {
			if p == "" {
				continue
			}
			i := strings.LastIndexAny(p, " *") + 1
			params = append(params, param{strings.TrimSpace(p[:i]), p[i:]})
		}
		entry, goarches, ok := strings.Cut(key, "@")
		if !ok {
			protos[entry] = params
		}
		for _, a := range strings.Split(goarches, ",") {
			protos[entry+"@"+a] = params
		}
	}
	return protos
}

// signature writes the arguments of a call as kernel.Call has them.
func signature(a arch, name, entry string, protos map[string][]param) string {
	unknown := fmt.Sprintf("?%d", a.bits)
	if entry == "-" || entry == "ni_syscall" {
		return unknown // the number is taken, but nothing is behind it
	}
	params, ok := protos[entry+"@"+a.goarch]
	if !ok {
		if params, ok = protos[entry]; !ok {
			log.Printf("%s: %s: no prototype of %s", a.goarch, name, entry)
			return unknown
		}
	}
	var args []string
	for _, p := range params {
		t := typeOf(p.ctype)
		if n, ok := narrowed[entry+" "+p.name]; ok {
			if t.bits != 0 {
				log.Fatalf("%s: %s is not as wide as a register", entry, p.name)
			}
			t = n
		}
		switch {
		case t.bits == 0:
			t.bits = a.bits
			fallthrough
		case t.bits <= a.bits:
			args = append(args, fmt.Sprintf("%s:%c%d", p.name, t.kind, t.bits))
		default: // two registers
			if a.pairs && len(args)%2 == 1 {
				args = append(args, fmt.Sprintf("pad%d:u32", len(args)))
			}
			half := []string{p.name + "_lo:u32", p.name + "_hi:u32"}
			if a.big {
				slices.Reverse(half)
			}
			args = append(args, half...)
		}
	}
	// seccomp_data has six. MIPS' o32 passes what is left on the stack (fadvise64, sync_file_range).
	return strings.Join(args[:min(len(args), 6)], " ")
}

// A ctype is what the kernel reads of a register: kind is s, u or p; bits is 0 for the size of a register.
type ctype struct {
	kind byte
	bits int
}

var ctypes = map[string]ctype{
	"int": {'s', 32}, "unsigned int": {'u', 32}, "unsigned": {'u', 32}, "uint": {'u', 32},
	"long": {'s', 0}, "unsigned long": {'u', 0}, "size_t": {'u', 0}, "off_t": {'s', 0}, "uintptr_t": {'u', 0},
	"u32": {'u', 32}, "__u32": {'u', 32}, "uint32_t": {'u', 32}, "__s32": {'s', 32},
	"u64": {'u', 64}, "__u64": {'u', 64}, "loff_t": {'s', 64},
	"umode_t": {'u', 16}, "old_uid_t": {'u', 16}, "old_gid_t": {'u', 16},
	"pid_t": {'s', 32}, "uid_t": {'u', 32}, "gid_t": {'u', 32}, "qid_t": {'u', 32}, "key_t": {'s', 32},
	"clockid_t": {'s', 32}, "timer_t": {'s', 32}, "mqd_t": {'s', 32}, "rwf_t": {'s', 32}, "key_serial_t": {'s', 32},
	"aio_context_t": {'u', 0}, "old_sigset_t": {'u', 0},
	"enum landlock_rule_type": {'u', 32},
	"cap_user_header_t":       {'p', 0}, "cap_user_data_t": {'p', 0}, "__sighandler_t": {'p', 0},
}

func typeOf(s string) ctype {
	if strings.Contains(s, "*") {
		return ctype{'p', 0}
	}
	t, ok := ctypes[strings.TrimPrefix(s, "const ")]
	if !ok {
		log.Fatal("unknown type ", s)
	}
	return t
}
