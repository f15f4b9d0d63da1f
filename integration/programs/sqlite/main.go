// Sqlite is a small ledger over HTTP, kept in SQLite through database/sql, locked in two stages. Its connections to the
// database are made before the second, so that serving opens no file. What each stage leaves is said in seccomp.policy.
//
//	sqlite -addr 127.0.0.1:8080 -db ledger.db
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

	_ "modernc.org/sqlite"

	"github.com/stagelock/seccomp"
)

//go:embed seccomp.policy
var policy string

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "listen on this `address`")
	db := flag.String("db", "ledger.db", "keep the accounts in this `file`")
	var mode seccomp.Mode
	flag.TextVar(&mode, "mode", seccomp.Enforce, "what locking does: enforce or off")
	flag.Parse()
	if err := run(*addr, *db, mode); err != nil {
		fmt.Fprintln(os.Stderr, "sqlite:", err)
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

	l, err := openLedger(stop, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}

	seccomp.Stage("serve").MustLock()
	s := &http.Server{Handler: l.handler(), ReadHeaderTimeout: 10 * time.Second}
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
