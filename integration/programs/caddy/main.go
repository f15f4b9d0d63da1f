// Caddy is the web server with its standard modules, locked in two stages: "init" first thing in main, "serve" once the
// configuration is loaded and its sites are served. It reloads its configuration under the second. What each leaves is
// said in seccomp.policy.
//
//	caddy -config Caddyfile
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/stagelock/seccomp"
)

//go:embed seccomp.policy
var policy string

func main() {
	config := flag.String("config", "Caddyfile", "read the configuration from this `file`")
	var mode seccomp.Mode
	flag.TextVar(&mode, "mode", seccomp.Enforce, "what locking does: enforce or off")
	flag.Parse()
	if err := run(*config, mode); err != nil {
		fmt.Fprintln(os.Stderr, "caddy:", err)
		os.Exit(1)
	}
	select {} // SIGTERM is the server's own matter
}

func run(file string, mode seccomp.Mode) error {
	if err := seccomp.SetMode(mode); err != nil {
		return err
	}
	seccomp.MustDeclare("seccomp.policy", policy)
	seccomp.Stage("init").MustLock()

	caddy.TrapSignals()
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		fmt.Fprintln(os.Stderr, "caddy:", w)
	}
	if err := caddy.Load(config, false); err != nil {
		return err
	}

	seccomp.Stage("serve").MustLock()
	return nil
}
