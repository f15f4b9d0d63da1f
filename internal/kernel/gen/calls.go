package main

import (
	"cmp"
	"log"
	"slices"
	"strconv"
	"strings"
)

type call struct {
	name string
	nr   uint32
	sig  string
}

// readCalls returns the calls of each arch by ascending number.
func readCalls(protos map[string][]param) [][]call {
	all := make([][]call, len(arches))
	for _, line := range append(read("calls.txt"), read("calls_more.txt")...) {
		f := strings.Fields(line)
		if len(f) != 1+len(arches) {
			log.Fatal("columns: ", line)
		}
		for i, cell := range f[1:] {
			if cell == "-" {
				continue
			}
			num, entry, ok := strings.Cut(cell, ":")
			if !ok {
				entry = f[0]
			}
			nr, err := strconv.ParseUint(num, 0, 32)
			if err != nil {
				log.Fatal(line, ": ", err)
			}
			all[i] = append(all[i], call{f[0], uint32(nr), signature(arches[i], f[0], entry, protos)})
		}
	}
	for _, calls := range all {
		slices.SortFunc(calls, func(a, b call) int { return cmp.Compare(a.nr, b.nr) })
	}
	return all
}
