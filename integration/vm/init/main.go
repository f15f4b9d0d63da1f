//go:build linux

// Init is the first process of a virtual machine: it makes the little that tests need of a system, runs what the file
// /programs names, one after the other, and powers the machine off. What it says stands on the console, in lines that
// package vm reads.
//
// It also plays the go command, as far as tests need it: see goCommand.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A program is a line of /programs, in JSON.
type program struct {
	Name    string
	Dir     string
	Args    []string
	Env     []string
	Seconds int
}

func main() {
	if filepath.Base(os.Args[0]) == "go" {
		if err := goCommand(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "go:", err)
			os.Exit(1)
		}
		return
	}
	if err := prepare(); err != nil {
		fmt.Println("\nVM-BROKEN", err)
	} else if err := runAll(); err != nil {
		fmt.Println("\nVM-BROKEN", err)
	}
	fmt.Println("\nVM-END")
	unix.Sync()
	time.Sleep(200 * time.Millisecond) // the console's output is on its way
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {} // the kernel ends the machine
}

// prepare mounts what a system has, and brings up the loopback.
func prepare() error {
	for _, m := range []struct {
		kind, at string
		mode     os.FileMode
	}{{"proc", "/proc", 0o555}, {"sysfs", "/sys", 0o555}, {"devtmpfs", "/dev", 0o755}, {"tmpfs", "/tmp", 0o777 | os.ModeSticky},
		{"tracefs", "/sys/kernel/tracing", 0o755}} {
		if err := os.MkdirAll(m.at, 0o755); err != nil && m.kind != "tracefs" {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil && m.kind != "tracefs" && err != unix.EBUSY {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
		if m.kind == "tmpfs" {
			if err := os.Chmod(m.at, m.mode); err != nil {
				return err
			}
		}
	}
	os.Symlink("/proc/self/fd", "/dev/fd")
	os.MkdirAll("/dev/pts", 0o755)
	unix.Mount("devpts", "/dev/pts", "devpts", 0, "") // some kernels lack it
	if err := loopback(); err != nil {
		return fmt.Errorf("bring up the loopback: %w", err)
	}
	return unix.Sethostname([]byte("vm"))
}

func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// runAll runs the programs.
func runAll() error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	fmt.Println("\nVM-START", unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]))
	fmt.Println("VM-LACKS", strings.Join(lacking(), " "))
	f, err := os.Open("/programs")
	if err != nil {
		return err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var p program
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return fmt.Errorf("/programs: %w", err)
		}
		fmt.Println("\nVM-RUN", p.Name)
		start := time.Now()
		code := run(p)
		fmt.Printf("\nVM-EXIT %s %d %d\n", p.Name, code, time.Since(start).Milliseconds())
	}
	return nil
}

// run runs one program and returns its exit code, 128 and the signal's number if it died of one.
func run(p program) int {
	cmd := exec.Command(p.Args[0], p.Args[1:]...)
	cmd.Dir = p.Dir
	cmd.Env = append([]string{"PATH=/bin", "HOME=/tmp", "TMPDIR=/tmp"}, p.Env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		fmt.Println("\nVM-BROKEN", p.Name, err)
		return 255
	}
	late := time.AfterFunc(time.Duration(p.Seconds)*time.Second, func() {
		fmt.Println("\nVM-LATE", p.Name)
		syscall.Kill(-cmd.Process.Pid, syscall.SIGQUIT)
		time.AfterFunc(5*time.Second, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	})
	defer late.Stop()
	// Whatever else has lost its parent is this process's to wait for.
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			fmt.Println("\nVM-BROKEN", p.Name, err)
			return 255
		case pid != cmd.Process.Pid:
		case status.Signaled():
			return 128 + int(status.Signal())
		default:
			return status.ExitStatus()
		}
	}
}

// lacking names what this kernel's seccomp has not, by asking with a program at address 0: "EFAULT: args was not a valid
// address", which comes after "EINVAL: flags are invalid" (seccomp(2)).
func lacking() (names []string) {
	const tsyncEsrch, waitKillable = 1 << 4, 1 << 5
	for _, f := range []struct {
		name  string
		flags uintptr
	}{
		{"log", unix.SECCOMP_FILTER_FLAG_LOG},
		{"notify", unix.SECCOMP_FILTER_FLAG_NEW_LISTENER},
		{"tsync_esrch", unix.SECCOMP_FILTER_FLAG_TSYNC | tsyncEsrch},
		{"wait_killable_recv", unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | waitKillable},
	} {
		if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, f.flags, 0); errno != unix.EFAULT {
			names = append(names, f.name)
		}
	}
	if status, err := os.ReadFile("/proc/self/status"); err != nil || !strings.Contains(string(status), "\nSeccomp_filters:") {
		names = append(names, "seccomp_filters")
	}
	if len(names) == 0 {
		names = []string{"nothing"}
	}
	return names
}
