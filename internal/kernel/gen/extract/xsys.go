package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"log"
	"path/filepath"
	"slices"
	"strings"
)

// readXSys evaluates the integer constants of x/sys/unix for one GOARCH. Its generated files are plain enough to be
// read without a type checker.
func readXSys(dir, goarch string) map[string]int64 {
	values := make(map[string]constant.Value)
	for _, name := range []string{"zerrors_linux", "zerrors_linux_" + goarch, "ztypes_linux", "ztypes_linux_" + goarch,
		"zsysnum_linux_" + goarch} {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name+".go"), nil, 0)
		if err != nil {
			log.Fatal(err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				var last []ast.Expr
				for iota, s := range g.Specs {
					spec := s.(*ast.ValueSpec)
					if len(spec.Values) > 0 {
						last = spec.Values
					}
					for i, n := range spec.Names {
						if v := eval(last[i], values, int64(iota)); v != nil {
							values[n.Name] = v
						}
						if isErrno(last[i]) {
							errnos[n.Name] = true
						}
					}
				}
			}
		}
	}
	ints := make(map[string]int64)
	for name, v := range values {
		if v = constant.ToInt(v); v.Kind() != constant.Int {
			continue
		}
		if n, ok := constant.Int64Val(v); ok {
			ints[name] = n
		} else if u, ok := constant.Uint64Val(v); ok {
			ints[name] = int64(u)
		}
	}
	return ints
}

// errnos has the names that x/sys gives the type syscall.Errno.
var errnos = make(map[string]bool)

func isErrno(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == "Errno"
}

// eval returns nil for what is no constant that matters, such as a size.
func eval(x ast.Expr, values map[string]constant.Value, iota int64) constant.Value {
	switch x := x.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(x.Value, x.Kind, 0)
	case *ast.Ident:
		if x.Name == "iota" {
			return constant.MakeInt64(iota)
		}
		return values[x.Name]
	case *ast.ParenExpr:
		return eval(x.X, values, iota)
	case *ast.CallExpr: // syscall.Errno(0x1)
		if _, ok := x.Fun.(*ast.SelectorExpr); ok && len(x.Args) == 1 {
			return eval(x.Args[0], values, iota)
		}
	case *ast.UnaryExpr:
		if v := eval(x.X, values, iota); v != nil {
			return constant.UnaryOp(x.Op, v, 64)
		}
	case *ast.BinaryExpr:
		l, r := eval(x.X, values, iota), eval(x.Y, values, iota)
		if l == nil || r == nil {
			return nil
		}
		if x.Op == token.SHL || x.Op == token.SHR {
			n, _ := constant.Uint64Val(r)
			return constant.Shift(l, x.Op, uint(n))
		}
		return constant.BinaryOp(l, x.Op, r)
	}
	return nil
}

// The constants worth a place in every program: what a rule may compare an argument with, and the errnos. Magic
// numbers, instruction codes and what only stands in memory a pointer leads to are of no use to a filter.
var prefixes = strings.Fields(`AF_ ARCH_ AT_ BPF_MAP_ BPF_PROG_ BPF_LINK_ BPF_BTF_ BPF_OBJ_ BPF_ENABLE_ BPF_ITER_
	BPF_RAW_ BPF_TASK_ BPF_TOKEN_ CAP_ CLOCK_ CLONE_ CLOSE_RANGE_ EFD_ EPOLL_ ETH_P_ FALLOC_FL_ FAN_ FD_ FIO FS_IOC_
	FSCONFIG_ FSMOUNT_ FSOPEN_ FSPICK_ FUTEX_ F_ GRND_ ICMPV6_ IN_ IORING_ IPC_ IPPROTO_ IPV6_ IP_ ITIMER_ KEXEC_
	KEYCTL_ KEY_SPEC_ LANDLOCK_ LINUX_REBOOT_CMD_ LINUX_REBOOT_MAGIC LOCK_ MADV_ MAP_ MCL_ MEMBARRIER_ MFD_ MLOCK_ MNT_
	MODULE_INIT_ MOVE_MOUNT_ MPOL_ MREMAP_ MSG_ MS_ NETLINK_ NS_GET_ OPEN_TREE_ O_ PACKET_ PERF_EVENT_IOC_ PERF_FLAG_
	PF_ PIDFD_ PIDNS_ PKEY_ POSIX_FADV_ PRIO_ PROT_ PR_ PTRACE_ P_ Q_ RENAME_ RESOLVE_ RLIMIT_ RTM_ RUSAGE_ RWF_ R_OK
	SA_ SCHED_ SCM_ SECCOMP_ SEEK_ SFD_ SHM_ SHUT_ SIG SIOC SOCK_ SOL_ SO_ SPLICE_F_ STATX_ SYNC_FILE_RANGE_ S_ TC
	TFD_ TIMER_ TIOC TUN UDP_ UFFD UMOUNT_ WALL WCLONE WCONTINUED WEXITED WNOHANG WNOTHREAD WNOWAIT WORDSIZE WSTOPPED
	WUNTRACED W_OK X_OK F_OK XATTR_ SECBIT_ VM_ BLK`)

func wanted(name string) bool {
	return errnos[name] || strings.HasPrefix(name, "EPOLL") || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// readConstants gives one line for each name: its value, and those that other GOARCHes have.
func readConstants(x []map[string]int64) []string {
	names := make(map[string]bool)
	for i := range x {
		for n := range x[i] {
			if wanted(n) {
				names[n] = true
			}
		}
	}
	var lines []string
	for n := range names {
		line, first := n, x[0][n]
		same := true
		for i := range x {
			v, ok := x[i][n]
			same = same && ok && v == first
		}
		if same {
			line += fmt.Sprintf(" %#x", first)
		} else {
			for i, a := range arches {
				if v, ok := x[i][n]; ok {
					line += fmt.Sprintf(" %s=%#x", a.goarch, v)
				}
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}
