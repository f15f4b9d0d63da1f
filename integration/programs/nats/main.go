// Nats is nats-server, locked in two stages: the first line that does anything locks "init", and once the server
// accepts clients, "serve". What each leaves is said in seccomp.policy, and with JetStream, which keeps messages in files,
// in jetstream.policy.
//
//	nats -config nats.conf [-jetstream]
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/stagelock/seccomp"
)

//go:embed seccomp.policy
var policy string

//go:embed jetstream.policy
var jetStreamPolicy string

func main() {
	config := flag.String("config", "nats.conf", "read the configuration from this `file`")
	jetStream := flag.Bool("jetstream", false, "the configuration has JetStream, which keeps files")
	var mode seccomp.Mode
	flag.TextVar(&mode, "mode", seccomp.Enforce, "what locking does: enforce or off")
	flag.Parse()
	if err := run(*config, *jetStream, mode); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		os.Exit(1)
	}
}

func run(config string, jetStream bool, mode seccomp.Mode) error {
	if err := seccomp.SetMode(mode); err != nil {
		return err
	}
	if jetStream {
		seccomp.MustDeclare("jetstream.policy", jetStreamPolicy)
	} else {
		seccomp.MustDeclare("seccomp.policy", policy)
	}
	seccomp.Stage("init").MustLock()

	options, err := server.ProcessConfigFile(config)
	if err != nil {
		return err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("the server doesn't accept connections")
	}

	seccomp.Stage("serve").MustLock()
	s.Noticef("Locked: serving clients is all that is left")
	s.WaitForShutdown() // SIGTERM is the server's own matter
	return nil
}
