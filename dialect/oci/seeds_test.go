package oci

import "github.com/stagelock/seccomp/dialect"

// readPlain is Read without circumstances.
func readPlain(name string, text []byte, o dialect.Options) (*dialect.Reading, error) {
	return Read(name, text, Options{Options: o})
}

var seeds = []string{
	`{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["ptrace", "bpf"], "action": "SCMP_ACT_KILL_PROCESS"}]}`,
	`{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ALLOW",
	  "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}, {"index": 1, "value": 15, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]}]}`,
	`{"defaultAction": "SCMP_ACT_KILL", "defaultErrnoRet": 38, "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/x",
	  "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}, {"names": ["write"], "action": "SCMP_ACT_TRACE", "errnoRet": 1},
	  {"names": ["mmap"], "action": "SCMP_ACT_LOG", "args": [{"index": 2, "value": 4, "op": "SCMP_CMP_LT"}, {"index": 2, "value": 9, "op": "SCMP_CMP_GE"}]}]}`,
	`{"ociVersion": "1.2.0", "linux": {"seccomp": {"defaultAction": "SCMP_ACT_TRAP", "architectures": ["SCMP_ARCH_X86"]}}}`,
	`{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"name": "clone", "action": "SCMP_ACT_ALLOW", "comment": "x",
	  "includes": {"arches": ["amd64"], "caps": ["CAP_SYS_ADMIN"], "minKernel": "4.8"}, "excludes": {"caps": null}}]}`,
}
