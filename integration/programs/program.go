package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// A program is one of those below, and how its users use it.
type program struct {
	name   string
	dir    string // its directory; empty: its name
	policy string // the file that it embeds; empty: seccomp.policy

	// prepare writes what the program reads into a directory, and returns its arguments.
	prepare func(p place) (args []string, err error)

	// visit uses everything once that the program does for its users, and says what was not as it should be. The program
	// may be visited again and again.
	visit func(ctx context.Context, p place) error

	// client returns what one user does over and over, and what ends it.
	client func(ctx context.Context, p place) (use func(context.Context) error, end func(), err error)

	allowed map[string]stages // what becomes of probes that aren't refused in both stages
}

// source is the directory of its main package.
func (p program) source() string { return cmp.Or(p.dir, p.name) }

// policyFile is where what its stages leave is said.
func (p program) policyFile() string {
	return filepath.Join(p.source(), cmp.Or(p.policy, "seccomp.policy"))
}

// programs are all that are tried.
func programs() []program {
	return []program{natsServer, jetStream, nodeExporter, caddyServer, sqliteLedger, bboltStore}
}

// stages says what becomes of a probe after init and after serve.
type stages [2]string

// A place is where a program runs: a directory of its own, and addresses that nobody else listens on.
type place struct {
	dir   string
	addrs [3]string
	peer  string // a server that is always there, and says "peer"
}

func newPlace(dir, peer string) (place, error) {
	p := place{dir: dir, peer: peer}
	for i := range p.addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return p, err
		}
		defer l.Close() // at the end, so that no address is given twice
		p.addrs[i] = l.Addr().String()
	}
	return p, nil
}

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

// environ is the environment of a program that runs there.
func (p place) environ() []string {
	return append(os.Environ(), "HOME="+p.dir, "XDG_DATA_HOME=", "XDG_CONFIG_HOME=")
}

func (p place) write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(p.path(name), []byte(text), 0o644)
}

// startPeer starts a server for programs to dial.
func startPeer() (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "peer") })}
	go s.Serve(l)
	return l.Addr().String(), func() { s.Close() }, nil
}

// until tries until it works or ctx is done, and then says why it didn't.
func until(ctx context.Context, try func(context.Context) error) error {
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
