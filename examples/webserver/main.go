// Webserver is a small HTTPS server for static files that gives up, in two steps, every system call it doesn't need:
// the first line that does anything locks the stage "init", and once all is read and the socket listens, the stage
// "serve" is locked, before the first request. What each allows is said in seccomp.policy.
//
//	webserver -dir site -config webserver.json
//	webserver -selftest [-policy seccomp.policy]
//
// The self-test runs this same server under load, tries for real what it gave up, and shows the result. It gives the server
// its own address, site, configuration and modes.
package main

import (
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/seccomphttp"
)

//go:embed seccomp.policy
var policy string

type options struct {
	addr, dir, config, policy string
	mode                      seccomp.Mode
	debug, selftest           bool
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:8443", "listen on this `address`")
	flag.StringVar(&o.dir, "dir", "", "serve the files of this `directory`; without it, a page that is built in")
	flag.StringVar(&o.config, "config", "", "read the configuration from this `file`")
	flag.StringVar(&o.policy, "policy", "", "lock by the policy in this `file` instead of the one that is built in")
	flag.TextVar(&o.mode, "mode", seccomp.Enforce, "what locking does: enforce, observe or off")
	flag.BoolVar(&o.debug, "debug", false, "show at "+seccomphttp.Path+" what is in force, to every client")
	flag.BoolVar(&o.selftest, "selftest", false, "run under load, try what was given up, show the result")
	flag.Parse()
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, "webserver:", err)
		os.Exit(2)
	}

	run := serve
	if o.selftest {
		run = selftest
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "webserver:", err)
		os.Exit(1)
	}
}

// check finds what would be passed over in silence.
func (o options) check() (err error) {
	if flag.NArg() > 0 { // flags behind it, -mode among them
		return fmt.Errorf("unexpected argument %q: there are flags only", flag.Arg(0))
	}
	flag.Visit(func(f *flag.Flag) {
		if o.selftest && f.Name != "selftest" && f.Name != "policy" {
			err = fmt.Errorf("-%s says nothing beside -selftest, which takes -policy alone", f.Name)
		}
	})
	return err
}

func serve(o options) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	log := zap.Must(zap.NewProduction())
	defer log.Sync()
	seccomp.SetLogger(log.Sugar())
	if err := seccomp.SetMode(o.mode); err != nil {
		return err
	}
	if err := declare(o.policy); err != nil {
		return err
	}
	at := selftestHook() // does nothing, but in a process that the self-test started
	at("before")

	seccomp.Stage("init").MustLock()
	at("init")

	config, err := readConfig(o.config)
	if err != nil {
		return err
	}
	cert, err := config.certificate()
	if err != nil {
		return err
	}
	pages, err := readSite(o.dir, config.Headers)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	if o.debug {
		mux.Handle(seccomphttp.Path, seccomphttp.Handler())
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}

	seccomp.Stage("serve").MustLock()
	at("serve")

	server := &http.Server{
		Handler:           mux,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          zap.NewStdLog(log),
	}
	log.Info("serving", zap.Stringer("addr", listener.Addr()), zap.String("certificate", fingerprint(cert)))
	err = serveUntil(stop, server, listener)
	log.Info("stopped", zap.Error(err))
	at("end")
	return err
}

// declare makes known the policy of a file, or the one that is built in.
func declare(file string) error {
	if file == "" {
		return seccomp.Declare("seccomp.policy", policy)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return seccomp.Declare(file, string(text))
}

// serveUntil serves until stop is done, and then lets the requests that are under way finish. Who takes longer than five
// seconds, or connected and never said a word, is cut off.
func serveUntil(stop context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(listener, "", "") }()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(limit); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}
