package main

import (
	"math/rand"
	"strings"
	"testing"
)

func TestUnifiedDiff(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"nothing", "a\nb\n", "a\nb\n", ""},
		{"empty", "", "", ""},
		{"all new", "", "a\nb\n", "--- o\n+++ n\n@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"all gone", "a\n", "", "--- o\n+++ n\n@@ -1 +0,0 @@\n-a\n"},
		{"one line", "a\nb\nc\n", "a\nx\nc\n", "--- o\n+++ n\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
		{"no newline at the end", "a", "a\n", "--- o\n+++ n\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"two hunks", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
			"--- o\n+++ n\n@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n"},
		{"one hunk, joined", "1\n2\n3\n4\n5\n6\n7\n8\n", "x\n2\n3\n4\n5\n6\n7\ny\n",
			"--- o\n+++ n\n@@ -1,8 +1,8 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n"},
	}
	for _, tt := range tests {
		if got := unifiedDiff("o", "n", tt.old, tt.new); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// TestAlignment: what is kept and removed is the old text, what is kept and added the new one.
func TestAlignment(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	text := func() []string {
		list := make([]string, r.Intn(20))
		for i := range list {
			list[i] = string(rune('a' + r.Intn(12)))
		}
		return list
	}
	kept := 0
	for range 2000 {
		a, b := text(), text()
		var was, is []string
		for _, e := range alignment(a, b) {
			if e.op != '+' {
				was = append(was, e.line)
			}
			if e.op != '-' {
				is = append(is, e.line)
			}
			if e.op == ' ' {
				kept++
			}
		}
		if strings.Join(was, "") != strings.Join(a, "") || strings.Join(is, "") != strings.Join(b, "") {
			t.Fatalf("%v to %v: became %v to %v", a, b, was, is)
		}
	}
	if kept < 2000 {
		t.Errorf("only %d lines of 2000 texts were kept", kept)
	}
}
