// Extract writes what package kernel's generator reads, ../data/calls.txt, prototypes.txt and constants.txt, from
// where the kernel's interface is written down:
//
//   - golang.org/x/sys/unix, the newest release: the numbers of the calls, and constants;
//   - the source of Linux (Debian's linux-source package): the names and entry points in the tables of system calls,
//     and the prototypes, which are the SYSCALL_DEFINE macros, since those say what is cut off a register;
//   - the tracefs of a newer running kernel: the prototypes that are newer than the source.
//
// It is run by hand when one of these has moved on, and what it wrote is read before it is committed:
//
//	go mod download -json golang.org/x/sys@v0.49.0    # tells the directory
//	go run ./internal/kernel/gen/extract -xsys DIR/unix -linux DIR -tracefs /sys/kernel/tracing
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What the files' heads name as their sources.
const (
	xsysVersion  = "golang.org/x/sys v0.49.0 (Linux 7.2)"
	linuxVersion = "6.12"
	traceVersion = "6.18"
)

// An arch is a GOARCH and where the kernel's source speaks of it.
type arch struct {
	goarch string
	dir    string   // below arch/
	table  string   // of the calls
	abis   []string // the table's second column
	base   uint32   // added to the table's numbers
}

var arches = []arch{
	{"amd64", "x86", "arch/x86/entry/syscalls/syscall_64.tbl", []string{"common", "64"}, 0},
	{"arm64", "arm64", "scripts/syscall.tbl", []string{"common", "64", "renameat", "rlimit", "memfd_secret"}, 0},
	{"386", "x86", "arch/x86/entry/syscalls/syscall_32.tbl", []string{"i386"}, 0},
	{"arm", "arm", "arch/arm/tools/syscall.tbl", []string{"common", "eabi"}, 0},
	{"riscv64", "riscv", "scripts/syscall.tbl", []string{"common", "64", "riscv", "rlimit", "memfd_secret"}, 0},
	{"ppc64", "powerpc", "arch/powerpc/kernel/syscalls/syscall.tbl", []string{"common", "nospu", "64"}, 0},
	{"ppc64le", "powerpc", "arch/powerpc/kernel/syscalls/syscall.tbl", []string{"common", "nospu", "64"}, 0},
	{"s390x", "s390", "arch/s390/kernel/syscalls/syscall.tbl", []string{"common", "64"}, 0},
	{"loong64", "loongarch", "scripts/syscall.tbl", []string{"common", "64"}, 0},
	{"mips", "mips", "arch/mips/kernel/syscalls/syscall_o32.tbl", []string{"o32"}, 4000},
	{"mipsle", "mips", "arch/mips/kernel/syscalls/syscall_o32.tbl", []string{"o32"}, 4000},
	{"mips64", "mips", "arch/mips/kernel/syscalls/syscall_n64.tbl", []string{"n64"}, 5000},
	{"mips64le", "mips", "arch/mips/kernel/syscalls/syscall_n64.tbl", []string{"n64"}, 5000},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("extract: ")
	xsys := flag.String("xsys", "", "directory of golang.org/x/sys/unix")
	linux := flag.String("linux", "", "directory of the kernel's source")
	tracefs := flag.String("tracefs", "", "where a running kernel's tracefs is mounted")
	out := flag.String("out", "internal/kernel/gen/data", "directory to write to")
	flag.Parse()

	x := make([]map[string]int64, len(arches))
	for i, a := range arches {
		x[i] = readXSys(*xsys, a.goarch)
	}
	calls := readCalls(*linux, x)
	write(*out, "calls.txt", "The system calls: the name in the kernel's table, then for each GOARCH the number in\n"+
		"seccomp_data.nr, with the entry point behind a colon where that is not sys_NAME, or - for none.\n"+
		"Numbers from "+xsysVersion+", names and entry points from the tables of Linux "+linuxVersion+".", calls)
	write(*out, "prototypes.txt", "The entry points of system calls, as their SYSCALL_DEFINE macros have them in Linux "+linuxVersion+", or\n"+
		"tracefs in "+traceVersion+" where the two differ. @ names the GOARCHes whose own variant it is.", readPrototypes(*linux, *tracefs))
	write(*out, "constants.txt", "Constants of "+xsysVersion+": those with one value everywhere, and behind GOARCH= where\n"+
		"they differ or are missing somewhere.", readConstants(x))
}

func write(dir, name, head string, lines []string) {
	var b strings.Builder
	for _, l := range strings.Split(head, "\n") {
		fmt.Fprintf(&b, "# %s\n", l)
	}
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("%s: %d lines", name, len(lines))
}

// readCalls gives one line for each name of a call.
func readCalls(linux string, x []map[string]int64) []string {
	rows := make(map[string][]string)
	for i, a := range arches {
		table := readTable(filepath.Join(linux, a.table), a)
		byNr := make(map[int64][]string)
		for name, nr := range x[i] {
			if name, ok := strings.CutPrefix(name, "SYS_"); ok && name != "ARCH_SPECIFIC_SYSCALL" && name != "SYSCALL_MASK" {
				byNr[nr] = append(byNr[nr], strings.ToLower(name))
			}
		}
		for nr := range table {
			if byNr[nr] == nil {
				log.Printf("%s: %d %s is not in x/sys", a.goarch, nr, table[nr].name)
				byNr[nr] = []string{table[nr].name}
			}
		}
		for nr, names := range byNr {
			slices.Sort(names)
			name, cell := names[0], fmt.Sprint(nr)
			if t, ok := table[nr]; ok {
				if !slices.Contains(names, t.name) {
					log.Printf("%s: %d is %v in x/sys, %s in the kernel's table", a.goarch, nr, names, t.name)
				}
				name = t.name
				if t.entry != name {
					cell += ":" + t.entry
				}
			} else if len(names) > 1 {
				log.Printf("%s: %d has the names %v", a.goarch, nr, names)
			}
			if rows[name] == nil {
				rows[name] = slices.Repeat([]string{"-"}, len(arches))
			}
			if rows[name][i] != "-" {
				log.Printf("%s: %s is %s and %s", a.goarch, name, rows[name][i], cell)
			}
			rows[name][i] = cell
		}
	}
	var head strings.Builder
	head.WriteString("# name")
	for _, a := range arches {
		head.WriteString(" " + a.goarch)
	}
	lines := []string{}
	for name, cells := range rows {
		lines = append(lines, name+" "+strings.Join(cells, " "))
	}
	slices.Sort(lines)
	return append([]string{head.String()}, lines...)
}

type entry struct{ name, entry string }

func readTable(file string, a arch) map[int64]entry {
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	table := make(map[int64]entry)
	for _, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 3 || !slices.Contains(a.abis, f[1]) {
			continue
		}
		var nr int64
		fmt.Sscan(f[0], &nr)
		e := entry{f[2], "-"}
		if len(f) > 3 && f[3] != "-" {
			e.entry = f[3]
			for _, prefix := range []string{"__sys_", "sys_", "sysm_"} {
				if s, ok := strings.CutPrefix(f[3], prefix); ok {
					e.entry = s
					break
				}
			}
		}
		table[nr+int64(a.base)] = e
	}
	return table
}
