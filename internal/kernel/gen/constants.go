package main

import (
	"fmt"
	"log"
	"slices"
	"strconv"
	"strings"
)

// readConstants returns the lines "NAME VALUE" of the constants that are the same everywhere, and of the others for
// each arch; and for each the errnos, which stand in no other list.
func readConstants() (common []string, own, errnos [][]string) {
	own, errnos = make([][]string, len(arches)), make([][]string, len(arches))
	seen := make(map[string]bool)
	for _, line := range append(read("constants_more.txt"), read("constants.txt")...) {
		f := strings.Fields(line)
		if seen[f[0]] {
			continue // constants_more.txt, which is first, knows better
		}
		seen[f[0]] = true
		values := make([]string, len(arches))
		for _, cell := range f[1:] {
			goarches, value, ok := strings.Cut(cell, "=")
			if !ok {
				goarches, value = "", cell
			}
			n, err := strconv.ParseInt(value, 0, 64)
			if err != nil {
				log.Fatal(line, ": ", err)
			}
			for i, a := range arches {
				if goarches == "" || slices.Contains(strings.Split(goarches, ","), a.goarch) {
					values[i] = fmt.Sprintf("%s %d", f[0], n)
				}
			}
		}
		if isErrno(f[0]) {
			put(errnos, values)
			continue
		}
		if values[0] != "" && len(slices.Compact(slices.Clone(values))) == 1 {
			common = append(common, values[0])
			continue
		}
		put(own, values)
	}
	slices.SortFunc(common, byName)
	for i := range arches {
		slices.SortFunc(own[i], byName)
		slices.SortFunc(errnos[i], byName)
	}
	return common, own, errnos
}

// put puts the values that there are into their lists.
func put(lists [][]string, values []string) {
	for i, v := range values {
		if v != "" {
			lists[i] = append(lists[i], v)
		}
	}
}

// isErrno tells errnos from the other constants that begin with E: EPOLLIN, EFD_CLOEXEC, ETH_P_IP.
func isErrno(name string) bool {
	return strings.HasPrefix(name, "E") && !strings.HasPrefix(name, "EPOLL") && !strings.Contains(name, "_")
}

func byName(a, b string) int {
	a, _, _ = strings.Cut(a, " ")
	b, _, _ = strings.Cut(b, " ")
	return strings.Compare(a, b)
}
