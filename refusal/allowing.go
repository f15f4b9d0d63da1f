package refusal

import (
	"slices"
	"strings"

	"github.com/stagelock/seccomp/internal/kernel"
	"github.com/stagelock/seccomp/policy"
)

// Allowing returns the rule that would have allowed what was seen of a call. It is as narrow as that is, but for what is
// another the next time, addresses, ids, lengths; a comment behind it says what those are, and whether it is needed.
func (l *Log) Allowing(nr uint32) string {
	c, ok := l.Arch.CallNr(nr)
	if !ok {
		rule := Name(l.Arch, nr) + ": 1"
		if slices.ContainsFunc(l.Seen, func(x *Entry) bool { return x.Nr == nr && x.More }) {
			rule += " # not allowed by it: other numbers"
		}
		return rule
	}
	var all policy.And
	var left []string
	for i, a := range c.Args() {
		if a.Type.Pointer {
			continue // can't be compared at all
		}
		some, why := l.values(&c, i)
		switch {
		case why != "":
			left = append(left, a.Name+" ("+why+")")
		case len(some) == 1:
			all = append(all, some[0])
		default:
			all = append(all, some)
		}
	}
	rule := "sys_" + c.Name + ": "
	switch len(all) {
	case 0:
		rule += "1"
	case 1:
		rule += policy.FormatCond(all[0], &c, l.Arch)
	default:
		rule += policy.FormatCond(all, &c, l.Arch)
	}
	var notes []string
	if len(left) > 0 {
		notes = append(notes, "not compared: "+strings.Join(left, ", "))
	}
	if !slices.ContainsFunc(l.Seen, func(x *Entry) bool { return x.Nr == nr && x.By.Origin.Kind != policy.FromFallback }) {
		notes = append(notes, "not needed: after this errno Go or libc take another way")
	}
	if len(notes) > 0 {
		rule += " # " + strings.Join(notes, "; ")
	}
	return rule
}

// values returns the conditions of the values seen of an argument, or why it is not to be compared with them.
func (l *Log) values(c *kernel.Call, i int) (some policy.Or, why string) {
	a := c.Args()[i]
	for _, x := range l.Seen {
		if x.Nr != c.Nr {
			continue
		}
		for _, v := range x.values[i] {
			if why := passing(a, v); why != "" {
				return nil, why
			}
			if e := equal(i, a, v); !slices.Contains(some, e) {
				some = append(some, e)
			}
		}
	}
	if len(some) > manyValues {
		return nil, "many values"
	}
	return some, ""
}

// passing says what a value is that means nothing the next time that the program runs; empty: it may mean something.
func passing(a kernel.Arg, v uint64) string {
	n := int64(v)
	if a.Type.Bits == 32 {
		n = int64(int32(v))
	}
	switch a.Name {
	case "pid", "tgid", "pgid", "upid", "pid1", "pid2", "who":
		// 0 is oneself or one's group, -1 all, 1 the first process; of getrusage and getpriority all are constants.
		if n < -1 || n > 1 {
			return "an id"
		}
	case "timer_id", "shmid", "msqid", "semid", "wd", "pkey":
		return "an id"
	case "fildes", "mqdes":
		if n > 2 {
			return "a descriptor"
		}
	case "addr", "brk", "start", "new_addr", "newsp", "tls", "ctx", "ctx_id":
		if v != 0 {
			return "an address"
		}
	case "count", "len", "length", "len_in", "old_len", "new_len", "size", "nbytes", "msgsz", "msg_len", "bufsiz", "bufsize", "vlen",
		"nfds", "nr_segs", "liovcnt", "riovcnt", "maxevents":
		return "a length"
	case "offset", "pos", "pos_l", "pos_h", "off", "pgoff":
		return "a place"
	case "timeout", "timeout_msecs", "seconds":
		return "a time"
	case "val": // futex
		return "what memory holds"
	default:
		// All others with an fd in their names are descriptors, of which 0 to 2 are the same each time; so are those below 0.
		if strings.Contains(a.Name, "fd") && n > 2 {
			return "a descriptor"
		}
	}
	// Numbers in place of addresses, as ioctl's arg is, by their size.
	if a.Type.Bits == 64 && v>>32 != 0 && v>>56 == 0 {
		return "an address"
	}
	return ""
}
