package lint

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is one call on amd64 is two on others. A rule about one of them says so where the other one stays.
func TestTwins(t *testing.T) {
	const mmap2 = "4:1: this does not limit sys_mmap2, which does the same and is allowed: rule it too"
	const socketcall = "2:1: this does not limit sys_socketcall, which makes the same call and is allowed: a filter can't see " +
		"what it is asked for; drop the sets that hold it"
	const sockets = "set old { sys_socketcall: 1; sys_socket: 1; sys_connect: 1 }\nsys_socket: family == AF_INET\nuse old"
	tests := []struct {
		arch, text string
		want       []string
	}{
		{"amd64", "stage a\nuse file.map\nstage b\nsys_mmap: 0", nil},
		{"386", "stage a\nuse file.map\nstage b\nsys_mmap: 0", []string{"4:1: this has no effect: stage a left sys_mmap just so", mmap2}},
		{"arm", "stage a\nuse file.map\nstage b\nsys_mmap: 0", []string{mmap2}}, // arm has no mmap: the rule does nothing
		{"arm", "stage a\nuse file.map\nstage b\nsys_mmap: 0; sys_mmap2: 0", nil},
		{"arm", "stage a\nuse file.map\nstage b\ndrop file.map; sys_mmap: 0", nil},
		{"386", sockets, []string{socketcall}},
		{"amd64", "use file.io, exec.static\nsys_ftruncate: fd > 2 && length == 0", nil},
		{"386", "use file.io\nsys_ftruncate: fd > 2 && length == 0",
			[]string{"2:1: this does not limit sys_ftruncate64, which does the same and is allowed: rule it too"}},
	}
	for _, tt := range tests {
		got := checkOn(t, tt.arch, tt.text)
		if diff := cmp.Diff(slices.Sorted(slices.Values(tt.want)), slices.Sorted(slices.Values(got))); diff != "" {
			t.Errorf("%s: %s\n%s", tt.arch, tt.text, diff)
		}
	}
}
