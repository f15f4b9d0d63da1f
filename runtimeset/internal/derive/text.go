package derive

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const heading = `# The system calls that go%s makes, read from its source by runtimeset/gen/findings. DO NOT EDIT.
#
# CALL at FUNCTION THAT MAKES IT [architectures, unless all]
#     phase   function that has it made (what it calls for that) [architectures, unless all of the call's]
#
# Architectures behind a minus are those that lack it.
`

// Text writes findings as they are kept: a paragraph for each function that makes a call.
func (x *Findings) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, heading, x.Version)
	for i := 0; i < len(x.List); {
		end := i
		var arches []string
		for end < len(x.List) && x.List[end].Call == x.List[i].Call && x.List[end].Stub == x.List[i].Stub {
			for _, a := range x.List[end].Arches {
				if !slices.Contains(arches, a) {
					arches = append(arches, a)
				}
			}
			end++
		}
		slices.Sort(arches)
		fmt.Fprintf(&b, "\n%s at %s%s\n", x.List[i].Call, x.List[i].Stub, some(arches, Arches))
		for ; i < end; i++ {
			f := &x.List[i]
			how := ""
			if f.How != "" {
				how = " (" + f.How + ")"
			}
			fmt.Fprintf(&b, "    %-7s %s%s%s\n", f.Phase, f.Where, how, some(f.Arches, arches))
		}
	}
	return b.Bytes()
}

// some names the architectures of a list, unless they are all, or those that it lacks if these are fewer.
func some(list, all []string) string {
	if len(list) == len(all) {
		return ""
	}
	if 2*len(list) <= len(all) {
		return " [" + strings.Join(list, " ") + "]"
	}
	var lacks []string
	for _, a := range all {
		if !slices.Contains(list, a) {
			lacks = append(lacks, "-"+a)
		}
	}
	return " [" + strings.Join(lacks, " ") + "]"
}

// Parse reads what Text wrote.
func Parse(text []byte) (*Findings, error) {
	x := &Findings{}
	var call, stub string
	var arches []string
	for i, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "# The system calls that go"); ok {
			x.Version, _, _ = strings.Cut(rest, " ")
		}
		if line == "" || line[0] == '#' {
			continue
		}
		body, list := line, Arches
		if rest, in, ok := strings.Cut(line, " ["); ok && strings.HasSuffix(in, "]") {
			all := Arches
			if line[0] == ' ' {
				all = arches
			}
			body, list = rest, named(strings.Fields(strings.TrimSuffix(in, "]")), all)
		} else if line[0] == ' ' {
			list = arches
		}
		if line[0] != ' ' {
			var ok bool
			if call, stub, ok = strings.Cut(body, " at "); !ok {
				return nil, fmt.Errorf("line %d: %q is no call", i+1, line)
			}
			arches = list
			continue
		}
		phase, where, ok := strings.Cut(strings.TrimSpace(body), " ")
		if !ok || call == "" || !slices.Contains(phases, Phase(phase)) {
			return nil, fmt.Errorf("line %d: %q is no finding", i+1, line)
		}
		where, how, _ := strings.Cut(strings.TrimSpace(where), " (")
		x.List = append(x.List, Finding{call, stub, Phase(phase), where, strings.TrimSuffix(how, ")"), list})
	}
	if x.Version == "" {
		return nil, fmt.Errorf("no release is named in the first line")
	}
	return x, nil
}

// named returns the architectures that words name out of all.
func named(words, all []string) (list []string) {
	for _, a := range all {
		switch {
		case strings.HasPrefix(words[0], "-") == !slices.Contains(words, "-"+a) && strings.HasPrefix(words[0], "-"),
			slices.Contains(words, a):
			list = append(list, a)
		}
	}
	return list
}
