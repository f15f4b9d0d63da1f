package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mountTracefs returns where the running kernel describes its system calls.
func mountTracefs(t *testing.T) string {
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		if _, err := os.Stat(dir + "/events/syscalls"); err == nil {
			return dir
		}
	}
	dir := t.TempDir()
	err := unix.Mount("tracefs", dir, "tracefs", unix.MS_RDONLY, "")
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENODEV) {
		t.Skip("tracefs can't be mounted: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	if _, err := os.Stat(dir + "/events/syscalls"); err != nil {
		t.Skip("a kernel without CONFIG_FTRACE_SYSCALLS")
	}
	return dir
}

// The entry points whose name is not the call's: what ftrace shows is the former.
var entries = map[string]string{
	"newstat": "stat", "newfstat": "fstat", "newlstat": "lstat", "newuname": "uname", "umount": "umount2",
	"sendfile64": "sendfile", "fadvise64_64": "fadvise64", "mmap_pgoff": "mmap2",
}

// TestTracefs compares names, number and sizes of the arguments with the running kernel's own description.
// A width that is smaller than there is one of gen/narrow.go's.
func TestTracefs(t *testing.T) {
	a := Native()
	if a == nil || a.Bits != 64 {
		t.Skip("tracefs describes the calls of the kernel's own size: ", runtime.GOARCH)
	}
	formats, err := filepath.Glob(mountTracefs(t) + "/events/syscalls/sys_enter_*/format")
	if err != nil || len(formats) < 200 {
		t.Fatal(len(formats), err)
	}
	field := regexp.MustCompile(`field:(.*?)\s*(\w+);\s*offset:\d+;\s*size:(\d+);`)
	compared, narrowed := 0, []string{}
	for _, file := range formats {
		entry := strings.TrimPrefix(filepath.Base(filepath.Dir(file)), "sys_enter_")
		name := entry
		if n, ok := entries[entry]; ok {
			if _, ok := a.Call(entry); !ok {
				name = n
			}
		}
		c, ok := a.Call(name)
		if !ok {
			if !KnownCall(name) {
				t.Errorf("no call for sys_%s", entry)
			}
			continue // in the kernel's code, but not in this architecture's table
		}
		if !c.Known() {
			t.Errorf("%s: its prototype is not known here, but to the kernel", name)
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		args, i := c.Args(), 0
		for _, m := range field.FindAllStringSubmatch(string(text), -1) {
			ctype, argName := strings.TrimPrefix(m[1], "const "), m[2]
			if strings.HasPrefix(argName, "common_") || argName == "__syscall_nr" {
				continue
			}
			if i >= len(args) {
				t.Errorf("%s: more than %v", name, args)
				break
			}
			arg := args[i]
			i++
			if arg.Name != argName {
				t.Errorf("%s: argument %d is %s, the kernel's %s", name, i-1, arg.Name, argName)
			}
			if arg.Type.Pointer != strings.Contains(ctype, "*") && !strings.HasPrefix(ctype, "cap_user_") && ctype != "__sighandler_t" {
				t.Errorf("%s %s: pointer: %t, the kernel's type is %s", name, argName, arg.Type.Pointer, ctype)
			}
			want := uint8(64)
			switch {
			case strings.Contains(ctype, "*"):
			case ctype == "umode_t", strings.HasPrefix(ctype, "old_"):
				want = 16
			case strings.HasPrefix(ctype, "enum "):
				want = 32
			default:
				var ok bool
				if want, ok = traced[ctype]; !ok {
					t.Errorf("%s %s: unknown type %s", name, argName, ctype)
				}
			}
			switch {
			case arg.Type.Bits == want:
			case arg.Type.Bits == 32 && want == 64:
				narrowed = append(narrowed, name+" "+argName)
			default:
				t.Errorf("%s %s: %d bits, the kernel's type is %s", name, argName, arg.Type.Bits, ctype)
			}
		}
		if i != len(args) {
			t.Errorf("%s: %d arguments, the kernel has %d", name, len(args), i)
		}
		compared++
	}
	if compared < 200 {
		t.Errorf("only %d calls compared", compared)
	}
	t.Logf("%d calls; narrower than their prototype: %s", compared, strings.Join(narrowed, ", "))
}

// The sizes of the types, written down apart from the generator's: include/linux/types.h.
var traced = map[string]uint8{
	"int": 32, "unsigned int": 32, "unsigned": 32, "uint": 32, "u32": 32, "__u32": 32, "__s32": 32, "uint32_t": 32,
	"pid_t": 32, "uid_t": 32, "gid_t": 32, "qid_t": 32, "key_t": 32, "key_serial_t": 32, "clockid_t": 32, "timer_t": 32,
	"mqd_t": 32, "rwf_t": 32,
	"long": 64, "unsigned long": 64, "size_t": 64, "off_t": 64, "loff_t": 64, "u64": 64, "__u64": 64, "uintptr_t": 64,
	"aio_context_t": 64, "cap_user_header_t": 64, "cap_user_data_t": 64, "__sighandler_t": 64,
}
