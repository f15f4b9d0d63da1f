package areas

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime/pprof"
	"runtime/trace"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// programs are areas as whole programs use them.
var programs = []*area{
	{sets: "http.server, http.client", do: web},
	{sets: "net.server, net.dial, net.options", do: options},
	{sets: "net.raw, net.conn", do: raw},
	{sets: "net.accept, net.conn, net.unlink", do: closing},
	{sets: "random, file.read", do: keys},
	{sets: "user, exec.dynamic", do: users}, // what the C library loads for it is the machine's
	{sets: "tty", do: terminal(func(fd int) error {
		_, err1 := unix.IoctlGetTermios(fd, unix.TCGETS)
		_, err2 := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		return errors.Join(err1, err2)
	})},
	{sets: "tty.raw", do: terminal(func(fd int) error {
		state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		state.Lflag &^= unix.ECHO
		return unix.IoctlSetTermios(fd, unix.TCSETS, state)
	})},
	{sets: "log", do: func(string) (func() error, error) {
		return func() error {
			slog.New(slog.NewTextHandler(os.Stdout, nil)).Info("text")
			return log.New(os.Stdout, "", log.LstdFlags|log.Lshortfile).Output(1, "text")
		}, nil
	}},
	{sets: "profile", do: profiling},
	{sets: "trace", do: tracing},
	{sets: "ids.set", do: func(string) (func() error, error) {
		uid, gid := os.Getuid(), os.Getgid()
		return func() error { return errors.Join(syscall.Setgid(gid), syscall.Setuid(uid)) }, nil
	}},
	{sets: "file.read, file.io, file.write, pipe", do: copying},
	{sets: "exec.wait", do: waiting},
}

// web serves a page and a file by TLS, and fetches them.
func web(dir string) (func() error, error) {
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, bytes.Repeat([]byte("text"), 100_000), 0o666); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	return func() error {
		mux := http.NewServeMux()
		mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
		mux.HandleFunc("/f.html", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "f.html", time.Time{}, f)
		})
		for _, start := range []func(http.Handler) *httptest.Server{httptest.NewServer, httptest.NewTLSServer} {
			server := start(mux)
			for path, want := range map[string]int{"/page": 4, "/f.html": 400_000} {
				r, err := server.Client().Get(server.URL + path)
				if err != nil {
					return err
				}
				body, err := io.ReadAll(r.Body)
				if err := errors.Join(err, r.Body.Close(), same(len(body), want)); err != nil {
					return err
				}
			}
			server.Close()
		}
		return nil
	}, err
}

// options sets what servers and clients of others set: a port that is shared, a time after which a peer is given up, what
// QUIC wants of its socket.
func options(string) (func() error, error) {
	control := func(set func(fd int) error) func(string, string, syscall.RawConn) error {
		return func(_, _ string, c syscall.RawConn) error {
			var err error
			return errors.Join(c.Control(func(fd uintptr) { err = set(int(fd)) }), err)
		}
	}
	shared := net.ListenConfig{Control: control(func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})}
	patient := net.Dialer{Control: control(func(fd int) error {
		_, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return errors.Join(err, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1000))
	})}
	quic := net.ListenConfig{Control: control(func(fd int) error {
		_, err := unix.GetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		return errors.Join(err,
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVTOS, 1),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1))
	})}
	return func() error {
		ctx := context.Background()
		l, err := shared.Listen(ctx, "tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		second, err := shared.Listen(ctx, "tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		conn, err := patient.Dial("tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		p, err := quic.ListenPacket(ctx, "udp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		return errors.Join(conn.Close(), p.Close(), second.Close(), l.Close())
	}, nil
}

func raw(string) (func() error, error) {
	c, err := net.ListenIP("ip4:253", &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)}) // 253 is for experiments
	if errors.Is(err, syscall.EPERM) {
		return nil, missing("raw sockets take CAP_NET_RAW")
	}
	if err != nil {
		return nil, err
	}
	return func() error {
		far, err := net.DialIP("ip4:253", nil, &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		_, err1 := far.Write([]byte("x"))
		_, _, err2 := c.ReadFrom(make([]byte, 100))
		return errors.Join(err1, err2, far.Close(), c.Close())
	}, nil
}

// closing serves the one that came before, and has the socket's file removed.
func closing(dir string) (func() error, error) {
	name := filepath.Join(dir, "s")
	l, err := net.Listen("unix", name)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("unix", name)
	return func() error {
		far, err := l.Accept()
		if err != nil {
			return err
		}
		err = errors.Join(far.Close(), conn.Close(), l.Close())
		if _, again := conn.Read(nil); again == nil {
			return errors.New("it is open")
		}
		return err
	}, err
}

// keys makes keys and signs: package crypto computes, and reads nothing but random bytes.
func keys(string) (func() error, error) {
	return func() error {
		sum := sha256.Sum256([]byte("text"))
		ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		private, err2 := rsa.GenerateKey(rand.Reader, 2048)
		public, ed, err3 := ed25519.GenerateKey(rand.Reader)
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		signature, err := ecdsa.SignASN1(rand.Reader, ec, sum[:])
		secret, err2 := rsa.EncryptOAEP(sha256.New(), rand.Reader, &private.PublicKey, sum[:], nil)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		text, err := rsa.DecryptOAEP(sha256.New(), nil, private, secret, nil)
		if !ecdsa.VerifyASN1(&ec.PublicKey, sum[:], signature) || !ed25519.Verify(public, sum[:], ed25519.Sign(ed, sum[:])) {
			return errors.New("a signature isn't valid")
		}
		return errors.Join(err, same(string(text), string(sum[:])))
	}, nil
}

func users(string) (func() error, error) {
	return func() error {
		_, err1 := user.Current()
		_, err2 := user.LookupId("0")
		_, err3 := user.LookupGroupId("0")
		return errors.Join(err1, err2, err3)
	}, nil
}

// terminal does something to a terminal.
func terminal(op func(fd int) error) func(string) (func() error, error) {
	return func(string) (func() error, error) {
		fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, missing("there is no /dev/ptmx: " + err.Error())
		}
		return func() error { return op(fd) }, nil
	}
}

func profiling(string) (func() error, error) {
	return func() error {
		var b bytes.Buffer
		if err := pprof.StartCPUProfile(&b); err != nil {
			return err
		}
		for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
		}
		pprof.StopCPUProfile()
		for _, p := range pprof.Profiles() {
			if err := p.WriteTo(&b, 0); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func tracing(dir string) (func() error, error) {
	f, err := os.Create(filepath.Join(dir, "trace"))
	return func() error {
		if err := trace.Start(f); err != nil {
			return err
		}
		trace.Stop()
		return nil
	}, err
}

// copying copies a tree, as os.CopyFS does, and more of what package os does with two files at once.
func copying(dir string) (func() error, error) {
	from := filepath.Join(dir, "from")
	err := errors.Join(os.Mkdir(from, 0o777), os.WriteFile(filepath.Join(from, "f"), []byte("text"), 0o666))
	return each(
		func() error { return os.CopyFS(filepath.Join(dir, "to"), os.DirFS(from)) },
		func() error {
			a, err1 := os.Stat(filepath.Join(from, "f"))
			b, err2 := os.Stat(filepath.Join(dir, "to", "f"))
			return errors.Join(err1, err2, same(os.SameFile(a, b), false))
		},
		func() error {
			r, w, err := os.Pipe()
			if err != nil {
				return err
			}
			f, err := os.Open(filepath.Join(from, "f"))
			if err != nil {
				return err
			}
			_, err = io.Copy(w, f)
			return errors.Join(err, w.Close(), f.Close(), r.Close())
		},
	), err
}

// waiting reads what a program that was started before prints, ends it and waits for it.
func waiting(string) (func() error, error) {
	cmd := exec.Command("sh", "-c", "echo x; exec sleep 100")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return func() error {
		line := make([]byte, 2)
		if _, err := io.ReadFull(out, line); err != nil {
			return err
		}
		if err := cmd.Process.Kill(); err != nil {
			return err
		}
		if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			return fmt.Errorf("it ended by %w", err)
		}
		return same(string(line), "x\n")
	}, cmd.Start()
}
