//go:build linux

package main

import (
	"errors"
	"fmt"
	"strings"
)

// An explanation says why a test ends in another way under the stage: a line of differences.txt,
//
//	PACKAGE TEST: REASON
//
// which is about subtests too; "PACKAGE(cgo)" is about the tests of the build with cgo.
type explanation struct {
	pkg, test, reason string
	used              bool
}

func (e *explanation) String() string {
	if e == nil {
		return "UNEXPLAINED"
	}
	return e.reason
}

type explanations []*explanation

func parseDifferences(text string) (list explanations, err error) {
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		what, reason, ok := strings.Cut(line, ": ")
		words := strings.Fields(what)
		if !ok || len(words) != 2 || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("differences.txt:%d: want PACKAGE TEST: REASON", i+1)
		}
		list = append(list, &explanation{pkg: words[0], test: words[1], reason: strings.TrimSpace(reason)})
	}
	return list, nil
}

// find returns what explains a difference, nil if nothing does.
func (list explanations) find(r *result, test string) *explanation {
	pkg := r.Package
	if r.group.cgo {
		pkg += "(cgo)"
	}
	for _, e := range list {
		if e.pkg == pkg && (e.test == test || strings.HasPrefix(test, e.test+"/")) {
			e.used = true
			return e
		}
	}
	return nil
}

// verdict is an error where a difference has no explanation, or, unless only a part was run, an explanation has no
// difference.
func (list explanations) verdict(results []*result, part bool) error {
	var errs []error
	for _, r := range results {
		for _, d := range r.differences() {
			if list.find(r, d.test) == nil {
				errs = append(errs, fmt.Errorf("%s %s: nothing in differences.txt explains it", r.Package, d))
			}
		}
	}
	for _, e := range list {
		if !e.used && !part {
			errs = append(errs, fmt.Errorf("differences.txt: %s %s is no difference any more", e.pkg, e.test))
		}
	}
	return errors.Join(errs...)
}
