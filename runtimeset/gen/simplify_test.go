package main

import "testing"

func TestSimplify(t *testing.T) {
	for _, tt := range []struct {
		text, goarch, want string
		never              bool
	}{
		{"", "amd64", "", false},
		{"cgo", "amd64", "cgo", false},
		{"amd64", "amd64", "", false},
		{"amd64", "arm64", "", true},
		{"race && !s390x", "s390x", "", true},
		{"race && !s390x", "amd64", "race", false},
		{"cgo && (386 || arm)", "arm", "cgo", false},
		{"cgo && (386 || arm)", "mips", "", true},
		{"go1.24 && (amd64 || arm64)", "arm64", "go1.24", false},
		{"!cgo || arm", "arm", "", false},
		{"!cgo || go1.24 && !arm", "amd64", "!cgo || go1.24", false},
	} {
		got, never, err := simplify(tt.text, tt.goarch)
		if err != nil || got != tt.want || never != tt.never {
			t.Errorf("%q on %s: %q, never %t, %v", tt.text, tt.goarch, got, never, err)
		}
	}
}
