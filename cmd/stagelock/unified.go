package main

import (
	"fmt"
	"sort"
	"strings"
)

// context is how many unchanged lines a unified diff shows around changes.
const context = 3

// An edit is a line of a diff: kept (' '), only in the old text ('-') or only in the new one ('+').
type edit struct {
	op   byte
	line string
}

// unifiedDiff returns the difference of two texts as `diff -u` shows it, empty if there is none.
func unifiedDiff(oldName, newName, old, new string) string {
	edits := alignment(lines(old), lines(new))
	var b strings.Builder
	oldLine, newLine := 1, 1 // of edits[i]
	for i := 0; i < len(edits); {
		if edits[i].op == ' ' {
			i, oldLine, newLine = i+1, oldLine+1, newLine+1
			continue
		}
		if b.Len() == 0 {
			fmt.Fprintf(&b, "--- %s\n+++ %s\n", oldName, newName)
		}
		lead := min(i, context)
		end := hunkEnd(edits, i)
		hunk := edits[i-lead : end]
		removed, added := 0, 0
		for _, e := range hunk {
			if e.op != '+' {
				removed++
			}
			if e.op != '-' {
				added++
			}
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", span(oldLine-lead, removed), span(newLine-lead, added))
		for _, e := range hunk {
			b.WriteByte(e.op)
			b.WriteString(e.line)
			if !strings.HasSuffix(e.line, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
		i, oldLine, newLine = end, oldLine-lead+removed, newLine-lead+added
	}
	return b.String()
}

// hunkEnd returns where the hunk ends whose first change is edits[i]: before an unchanged stretch too long to be shown
// whole.
func hunkEnd(edits []edit, i int) int {
	end := i
	for j := i; j < len(edits) && j <= end+2*context+1; j++ {
		if edits[j].op != ' ' {
			end = j
		}
	}
	return min(end+1+context, len(edits))
}

// span returns a range of lines as the head of a hunk writes it.
func span(first, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", first-1)
	case 1:
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d,%d", first, n)
}

// lines splits a text behind each newline.
func lines(text string) []string {
	list := strings.SplitAfter(text, "\n")
	if list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	return list
}

// alignment turns a into b. It keeps lines that are equal and stand once in each text, as many as can be in one order,
// and the equal lines around those; what is between goes and comes as a whole. That isn't always the shortest way, but
// one that takes linear time and that people find natural (the idea is Bram Cohen's patience diff).
func alignment(a, b []string) []edit {
	edits := make([]edit, 0, max(len(a), len(b)))
	keep := func(lines []string, op byte) {
		for _, l := range lines {
			edits = append(edits, edit{op, l})
		}
	}
	x, y := 0, 0
	for _, p := range append(ascending(onceInBoth(a, b)), pair{len(a), len(b)}) {
		if p.x < x || p.y < y {
			continue // kept already
		}
		n := 0
		for x+n < p.x && y+n < p.y && a[x+n] == b[y+n] {
			n++
		}
		keep(a[x:x+n], ' ')
		x, y = x+n, y+n
		for n = 0; p.x-n > x && p.y-n > y && a[p.x-n-1] == b[p.y-n-1]; {
			n++
		}
		keep(a[x:p.x-n], '-')
		keep(b[y:p.y-n], '+')
		keep(a[p.x-n:p.x], ' ')
		x, y = p.x, p.y
	}
	return edits
}

// A pair is the places of a line in both texts.
type pair struct{ x, y int }

// onceInBoth returns the lines that stand once in a and once in b, in the order of a.
func onceInBoth(a, b []string) []pair {
	type sight struct{ inA, inB, y int }
	seen := make(map[string]*sight, len(a))
	for _, l := range a {
		if seen[l] == nil {
			seen[l] = new(sight)
		}
		seen[l].inA++
	}
	for y, l := range b {
		if s := seen[l]; s != nil {
			s.inB++
			s.y = y
		}
	}
	var list []pair
	for x, l := range a {
		if s := seen[l]; s.inA == 1 && s.inB == 1 {
			list = append(list, pair{x, s.y})
		}
	}
	return list
}

// ascending returns a longest part of list in which y ascends too.
func ascending(list []pair) []pair {
	var ends []int                   // ends[n]: the place of the least y that a part of length n+1 can end with
	before := make([]int, len(list)) // the place in front of it in its part
	for i, p := range list {
		n := sort.Search(len(ends), func(n int) bool { return list[ends[n]].y > p.y })
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		}
		ends[n] = i
	}
	part := make([]pair, len(ends))
	for n, i := len(ends)-1, -1; n >= 0; n-- {
		if i < 0 {
			i = ends[n]
		} else {
			i = before[i]
		}
		part[n] = list[i]
	}
	return part
}
