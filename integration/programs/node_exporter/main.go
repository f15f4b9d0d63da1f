// Node_exporter is Prometheus's node_exporter with its default collectors, locked in two stages. An exporter reads the
// system at every scrape, so the second stage still opens files; what it gives up is listening, and all that it never
// needed. What each stage leaves is said in seccomp.policy.
//
//	node_exporter -addr :9100 [-- --collector.…]
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/node_exporter/collector"

	"github.com/stagelock/seccomp"
)

//go:embed seccomp.policy
var policy string

func main() {
	addr := flag.String("addr", "127.0.0.1:9100", "listen on this `address`")
	var mode seccomp.Mode
	flag.TextVar(&mode, "mode", seccomp.Enforce, "what locking does: enforce or off")
	flag.Parse()
	if err := run(*addr, mode, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "node_exporter:", err)
		os.Exit(1)
	}
}

func run(addr string, mode seccomp.Mode, collectorFlags []string) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	if err := seccomp.SetMode(mode); err != nil {
		return err
	}
	seccomp.MustDeclare("seccomp.policy", policy)
	seccomp.Stage("init").MustLock()

	if _, err := kingpin.CommandLine.Parse(collectorFlags); err != nil { // where the collectors have their settings
		return err
	}
	node, err := collector.NewNodeCollector(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(node, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}

	seccomp.Stage("serve").MustLock()
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-stop.Done()
		s.Shutdown(context.Background())
	}()
	if err := s.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}
