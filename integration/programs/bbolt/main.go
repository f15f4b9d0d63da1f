// Bbolt is a small key-value store over HTTP, kept by bbolt in one file, locked in two stages: once the file is open
// nothing else is opened. What each stage leaves is said in seccomp.policy.
//
//	bbolt -addr 127.0.0.1:8080 -db store.db
package main

import (
	"context"
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

	"go.etcd.io/bbolt"

	"github.com/stagelock/seccomp"
)

//go:embed seccomp.policy
var policy string

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "listen on this `address`")
	db := flag.String("db", "store.db", "keep keys and values in this `file`")
	var mode seccomp.Mode
	flag.TextVar(&mode, "mode", seccomp.Enforce, "what locking does: enforce or off")
	flag.Parse()
	if err := run(*addr, *db, mode); err != nil {
		fmt.Fprintln(os.Stderr, "bbolt:", err)
		os.Exit(1)
	}
}

func run(addr, file string, mode seccomp.Mode) (err error) {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	if err := seccomp.SetMode(mode); err != nil {
		return err
	}
	seccomp.MustDeclare("seccomp.policy", policy)
	seccomp.Stage("init").MustLock()

	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}

	seccomp.Stage("serve").MustLock()
	s := &http.Server{Handler: store{db}.handler(), ReadHeaderTimeout: 10 * time.Second}
	closed := make(chan error, 1)
	go func() {
		<-stop.Done()
		closed <- s.Shutdown(context.Background())
	}()
	if err := s.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return <-closed
}
