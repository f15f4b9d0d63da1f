package warm_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"mime"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/seccomptest"
	"github.com/stagelock/seccomp/warm/certs"
	"github.com/stagelock/seccomp/warm/listen"
	"github.com/stagelock/seccomp/warm/mimes"
	"github.com/stagelock/seccomp/warm/resolver"
	"github.com/stagelock/seccomp/warm/timezone"
)

func TestMain(m *testing.M) { seccomptest.Main(m) }

// serve locks a stage that opens no files.
func serve(c *seccomptest.C, rules ...string) {
	h := seccomp.Stage("serve").Use("file.io", "net.server", "net.dial").Rules("sys_openat: 0")
	for _, r := range rules {
		h = h.Rules(r)
	}
	c.Must(h.Lock())
	c.Refused(syscall.EPERM, "open a file", func() error { _, err := os.Open("/etc/passwd"); return err })
}

// The zone that TZ names here has had this name for half of each year since 1980.
const zoneName, zoneEnv = "CEST", "TZ=Europe/Vienna"

var summer = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

var (
	zoneWarm = seccomptest.Case("zone", func(c *seccomptest.C) {
		c.Must(timezone.Load())
		serve(c)
		c.Allowed("know the zone", func() error {
			if name, _ := summer.Local().Zone(); name != zoneName {
				return errors.New("local time is in " + name)
			}
			return nil
		})
	})
	zoneCold = seccomptest.Case("zone, not loaded", func(c *seccomptest.C) {
		serve(c)
		c.Allowed("take UTC instead", func() error {
			if name, _ := summer.Local().Zone(); name != "UTC" {
				return errors.New("local time is in " + name)
			}
			return nil
		})
		c.Allowed("say so", func() error { return wantError(timezone.Load(), "local time is UTC") })
	})

	certsWarm = seccomptest.Case("certs", func(c *seccomptest.C) {
		own := ownRoot(c)
		c.Must(certs.Load())
		serve(c)
		c.Allowed("verify a certificate", func() error {
			_, err := own.Verify(x509.VerifyOptions{})
			return err
		})
	})
	certsCold = seccomptest.Case("certs, not loaded", func(c *seccomptest.C) {
		own := ownRoot(c)
		serve(c)
		c.Refused(syscall.EPERM, "verify a certificate", func() error {
			_, err := own.Verify(x509.VerifyOptions{})
			return err
		})
		c.Refused(syscall.EPERM, "load them now", certs.Load)
	})

	mimesWarm = seccomptest.Case("mimes", func(c *seccomptest.C) {
		mimes.Load()
		serve(c)
		c.Allowed("know a type that is not built in", func() error { return typeIs("application/vnd.debian.binary-package") })
	})
	mimesCold = seccomptest.Case("mimes, not loaded", func(c *seccomptest.C) {
		serve(c)
		c.Allowed("know only what is built in", func() error { return typeIs("") })
	})

	listenWarm = seccomptest.Case("listen", func(c *seccomptest.C) {
		want, err := os.ReadFile("/proc/sys/net/core/somaxconn")
		c.Must(err)
		c.Must(listen.Load())
		serve(c, "sys_getsockopt: 1") // so that the queue can be seen
		c.Allowed("listen with the longest queue", func() error { return backlogIs(strings.TrimSpace(string(want))) })
	})
	listenCold = seccomptest.Case("listen, not loaded", func(c *seccomptest.C) {
		serve(c, "sys_getsockopt: 1") // so that the queue can be seen
		c.Allowed("listen with a short queue", func() error { return backlogIs("128") })
	})

	resolverWarm = seccomptest.Case("resolver", func(c *seccomptest.C) {
		c.Must(resolver.Load(context.Background()))
		serve(c, "sys_newfstatat: 1; sys_fstatat64: 1")
		time.Sleep(5200 * time.Millisecond) // until package net looks again
		c.Allowed("look up a host, a service, a protocol", lookup)
	})
	resolverNoStat = seccomptest.Case("resolver, without newfstatat", func(c *seccomptest.C) {
		loaded := time.Now()
		c.Must(resolver.Load(context.Background()))
		serve(c)
		c.Allowed("look them up for five seconds", func() error {
			if err := lookup(); time.Since(loaded) < 5*time.Second {
				return err
			}
			return nil // a busy machine has let them pass
		})
		time.Sleep(5200 * time.Millisecond)
		c.Allowed("then ask 127.0.0.1", asksLoopback)
	})
	resolverCold = seccomptest.Case("resolver, not loaded", func(c *seccomptest.C) {
		serve(c, "sys_newfstatat: 1; sys_fstatat64: 1")
		c.Allowed("ask 127.0.0.1", asksLoopback)
		c.Allowed("know no service", func() error {
			_, err := net.LookupPort("tcp", "whois")
			return wantError(err, "unknown port")
		})
	})
)

// ownRoot returns the certificate that SSL_CERT_FILE names.
func ownRoot(c *seccomptest.C) *x509.Certificate {
	text, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	c.Must(err)
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	c.Must(err)
	return cert
}

func typeIs(want string) error {
	if got := mime.TypeByExtension(".deb"); got != want {
		return errors.New("the type is " + got)
	}
	return nil
}

// backlogIs compares how long the accept queue of a new listener may be: for a listening socket the kernel has that in
// tcpi_sacked (net/ipv4/tcp.c:tcp_get_info).
func backlogIs(want string) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	conn, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	var info *unix.TCPInfo
	var ierr error
	if err := conn.Control(func(fd uintptr) { info, ierr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); err != nil {
		return err
	}
	if ierr != nil {
		return ierr
	}
	if got := big.NewInt(int64(info.Sacked)).String(); got != want {
		return errors.New("the queue is " + got + " long, not " + want)
	}
	return nil
}

// lookup asks for what is in the resolver's files only.
func lookup() error {
	if _, err := net.LookupPort("tcp", "whois"); err != nil { // not among those that are built in
		return err
	}
	if _, err := net.ResolveIPAddr("ip4:ospf", "127.0.0.1"); err != nil { // the same
		return err
	}
	r := &net.Resolver{PreferGo: true, Dial: func(_ context.Context, _, server string) (net.Conn, error) {
		return nil, errors.New("asks " + server)
	}}
	_, err := r.LookupHost(context.Background(), "localhost")
	return err
}

// asksLoopback wants a name server on the loopback interface to be asked for localhost: neither /etc/hosts nor
// /etc/resolv.conf is known.
func asksLoopback() error {
	asked := ""
	var mu sync.Mutex // both families are asked for at once
	r := &net.Resolver{PreferGo: true, Dial: func(_ context.Context, _, server string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		asked += server + " "
		return nil, errors.New("nobody is there")
	}}
	if _, err := r.LookupHost(context.Background(), "localhost"); err == nil {
		return errors.New("localhost is known")
	}
	if !strings.Contains(asked, "127.0.0.1:53") {
		return errors.New("asked " + asked)
	}
	return nil
}

func wantError(err error, text string) error {
	if err == nil || !strings.Contains(err.Error(), text) {
		return errors.Join(errors.New("want an error with: "+text), err)
	}
	return nil
}

func TestZone(t *testing.T) {
	if _, err := time.LoadLocation("Europe/Vienna"); err != nil {
		t.Skip("there is no time zone database:", err)
	}
	zoneWarm.RunWith(t, seccomptest.Options{Env: []string{zoneEnv}})
	zoneCold.RunWith(t, seccomptest.Options{Env: []string{zoneEnv}})
}

func TestZoneErrors(t *testing.T) {
	// time.Local is found out once in a process, so that there is one case here: this test's own.
	if err := timezone.Load(); err != nil && os.Getenv("TZ") == "" {
		t.Error(err)
	}
}

func TestCerts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, newRoot(t), 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"SSL_CERT_FILE=" + file, "SSL_CERT_DIR=" + filepath.Dir(file)}
	certsWarm.RunWith(t, seccomptest.Options{Env: env})
	certsCold.RunWith(t, seccomptest.Options{Env: env})
}

// newRoot makes a certificate that signs itself.
func newRoot(t *testing.T) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestMIMEs(t *testing.T) {
	known := false
	for _, name := range []string{"/usr/local/share/mime/globs2", "/usr/share/mime/globs2", "/etc/mime.types"} {
		text, _ := os.ReadFile(name)
		known = known || bytes.Contains(text, []byte("application/vnd.debian.binary-package"))
	}
	if !known {
		t.Skip("this machine has no file of MIME types, or none that knows .deb")
	}
	mimesWarm.Run(t)
	mimesCold.Run(t)
}

func TestListen(t *testing.T) {
	if text, err := os.ReadFile("/proc/sys/net/core/somaxconn"); err != nil || strings.TrimSpace(string(text)) == "128" {
		t.Skip("somaxconn can't be read, or is what Go takes where it can't: ", err)
	}
	listenWarm.Run(t)
	listenCold.Run(t)
}

func TestResolver(t *testing.T) {
	for name, want := range map[string]string{"/etc/services": "whois", "/etc/protocols": "ospf", "/etc/hosts": "localhost"} {
		if text, _ := os.ReadFile(name); !bytes.Contains(text, []byte(want)) {
			t.Skipf("%s doesn't know %s", name, want)
		}
	}
	t.Run("loaded", func(t *testing.T) { t.Parallel(); resolverWarm.Run(t) })
	t.Run("without newfstatat", func(t *testing.T) { t.Parallel(); resolverNoStat.Run(t) })
	t.Run("not loaded", func(t *testing.T) { t.Parallel(); resolverCold.Run(t) })
}
