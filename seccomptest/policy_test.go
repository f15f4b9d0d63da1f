package seccomptest

import (
	"fmt"
	"strings"
	"testing"
)

// A recorder takes what a PolicyTest reports.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// Without arguments a question is about all there can be, not about those that are 0.
func TestWithoutArguments(t *testing.T) {
	const text = `use file.io
sys_socket: family == AF_INET
sys_getppid: 1
sys_ptrace: 0 else kill
sys_prctl: option == PR_SET_NAME else trap if option == PR_GET_NAME
sys_kill: pid == self.pid
`
	tests := []struct {
		ask  func(s *StageTest)
		want string // none where it passes
	}{
		{func(s *StageTest) { s.Refuses("socket") },
			"stage init: socket(0x2, 0x0, 0x0) is allowed (seccomp.policy:2), want it refused whatever its arguments"},
		{func(s *StageTest) { s.Refuses("socket", 0) }, ""},
		{func(s *StageTest) { s.Refuses("socket", "AF_INET6", "SOCK_STREAM") }, ""},
		{func(s *StageTest) { s.Refuses("socket", "AF_INET") },
			"stage init: socket(AF_INET) is allowed (seccomp.policy:2), want it refused"},
		{func(s *StageTest) { s.Refuses("kill") }, "stage init: kill(0x3e8, 0x0) is allowed"},
		{func(s *StageTest) { s.Refuses("openat") }, ""},
		{func(s *StageTest) { s.Refuses("ptrace") }, ""},
		{func(s *StageTest) { s.Refuses("getppid") }, "stage init: getppid() is allowed (seccomp.policy:3)"},
		{func(s *StageTest) { s.Allows("getppid") }, ""},
		{func(s *StageTest) { s.Allows("socket") },
			"stage init: socket(0x0, 0x0, 0x0) gets errno EPERM (seccomp.policy:2), want it allowed whatever its arguments"},
		{func(s *StageTest) { s.Allows("socket", "AF_INET") }, ""},
		{func(s *StageTest) { s.Allows("write") }, ""},
		{func(s *StageTest) { s.Gets("kill", "ptrace") }, ""},
		{func(s *StageTest) { s.Gets("trap", "prctl", "PR_GET_NAME") }, ""},
		{func(s *StageTest) { s.Gets("errno EPERM", "prctl", 0) }, ""},
		{func(s *StageTest) { s.Gets("errno EPERM", "prctl") }, "want errno EPERM whatever its arguments"},
	}
	for i, tt := range tests {
		r := &recorder{TB: t}
		s := Policy(t, text).Arch("amd64").Stage("init")
		tt.ask(&StageTest{r, s.stage})
		if got := strings.Join(r.said, "\n"); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("question %d: %q, want %q", i, got, tt.want)
		}
	}
}
