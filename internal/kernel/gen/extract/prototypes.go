package main

import (
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A prototype is the list of "type name" of an entry point.
type prototype string

var (
	define  = regexp.MustCompile(`(?m)^SYSCALL_DEFINE[0-6]\(((?:[^()]|\([^()]*\))*)\)`)
	comment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	field   = regexp.MustCompile(`field:(.*?)\s*(\w+);\s*offset:(\d+)`)
)

// readPrototypes gives one line for each entry point, or for each of its variants.
func readPrototypes(linux, tracefs string) []string {
	found := make(map[string]prototype) // by "entry" or "entry@goarch,goarch"
	for _, dir := range []string{"kernel", "mm", "fs", "net", "ipc", "security", "io_uring", "block", "lib"} {
		scan(filepath.Join(linux, dir), func(file, name string, p prototype, nth int) {
			key := name
			switch {
			case name == "clone" || name == "sigsuspend":
				key = variant(name, nth)
			case found[name] != "" && found[name] != p:
				log.Printf("%s: another %s(%s), not %s", file, name, p, found[name])
				return
			}
			if key != "" {
				found[key] = p
			}
		})
	}
	for _, dir := range []string{"x86", "arm", "arm64", "riscv", "powerpc", "s390", "loongarch", "mips"} {
		var goarches []string
		for _, a := range arches {
			if a.dir == dir {
				goarches = append(goarches, a.goarch)
			}
		}
		scan(filepath.Join(linux, "arch", dir), func(file, name string, p prototype, _ int) {
			if !strings.Contains(file, "/um/") {
				found[name+"@"+strings.Join(goarches, ",")] = p
			}
		})
	}
	trace(tracefs, found)
	var lines []string
	for key, p := range found {
		lines = append(lines, key+"("+string(p)+")")
	}
	slices.Sort(lines)
	return lines
}

// variant says for whom is the nth of the definitions that kernel/fork.c and kernel/signal.c choose from by a
// configuration symbol: CLONE_BACKWARDS, CLONE_BACKWARDS2, CLONE_BACKWARDS3, none; OLD_SIGSUSPEND, OLD_SIGSUSPEND3.
// The symbols are selected in arch/*/Kconfig.
func variant(name string, nth int) string {
	if name == "clone" {
		return []string{"clone@386,arm,arm64,mips,mipsle,mips64,mips64le,ppc64,ppc64le,riscv64", "clone@s390x", "", "clone"}[nth]
	}
	return []string{"sigsuspend", "sigsuspend@386,arm,s390x"}[nth]
}

func scan(dir string, yield func(file, name string, p prototype, nth int)) {
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".c" || strings.HasSuffix(file, "posix-stubs.c") {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		seen := make(map[string]int)
		for _, m := range define.FindAllStringSubmatch(string(text), -1) {
			parts := strings.Split(comment.ReplaceAllString(m[1], ""), ",")
			for i := range parts {
				parts[i] = strings.Join(strings.Fields(parts[i]), " ")
			}
			var args []string
			for i := 1; i+1 < len(parts); i += 2 {
				args = append(args, strings.TrimSpace(parts[i])+" "+parts[i+1])
			}
			yield(file, parts[0], prototype(strings.Join(args, ", ")), seen[parts[0]])
			seen[parts[0]]++
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

// trace takes over what a running amd64 kernel says of the entry points that are the same everywhere.
func trace(tracefs string, found map[string]prototype) {
	const enter = "/events/syscalls/sys_enter_"
	files, err := filepath.Glob(tracefs + enter + "*/format")
	if err != nil || len(files) == 0 {
		log.Fatalf("no system calls in %s: %v", tracefs, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		name := strings.TrimPrefix(filepath.Dir(file), tracefs+enter)
		var args []string
		for _, m := range field.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(m[2], "common_") && m[2] != "__syscall_nr" {
				args = append(args, m[1]+" "+m[2])
			}
		}
		p := prototype(strings.Join(args, ", "))
		key := name
		if _, ok := found[name+"@386,amd64"]; ok {
			key = name + "@386,amd64"
		}
		if _, ok := found[name+"@amd64,386"]; ok {
			key = name + "@amd64,386"
		}
		if old, ok := found[key]; !ok || plain(old) != plain(p) {
			log.Printf("tracefs: %s(%s) was (%s)", key, p, old)
			found[key] = p
		}
	}
}

// plain leaves out what tracefs doesn't show.
func plain(p prototype) string {
	s := strings.NewReplacer("__user", "", "*const", "*", "const ", "").Replace(string(p))
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "*", " * ")), " ")
}
