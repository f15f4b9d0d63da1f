package beats

var seeds = []string{
	`{"default_action": "errno", "syscalls": [{"action": "allow", "names": ["read"], "names_with_args": [{"name": "write",
	  "arguments": [{"position": 0, "operation": "LessThan", "value": 3}, {"position": 0, "operation": "GreaterOrEqual", "value": 1}]}]}]}`,
	"no_new_privs: true\nflag: tsync\npolicy:\n  default_action: kill_thread\n  syscalls:\n  - action: log\n    names: [mmap]\n",
	"seccomp: &a\n  default_action: TRAP\n  syscalls:\n  - {action: trace, names_with_args: [{name: ioctl, arguments: [{argument: 1, operation: bitsset, value: 0x5412}]}]}\n",
	"seccomp.enabled: false\n",
}
