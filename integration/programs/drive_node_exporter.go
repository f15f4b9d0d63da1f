package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// nodeExporter is scraped. What its collectors find hangs on the machine; under the last stage they must find what they
// find without.
var nodeExporter = program{
	name: "node_exporter",
	prepare: func(p place) ([]string, error) {
		return []string{"-addr", p.addrs[0], "--", "--collector.textfile.directory", p.dir}, p.write("trial.prom", "trial_value 42\n")
	},
	visit: func(ctx context.Context, p place) error {
		text, err := scrape(ctx, p)
		if err != nil {
			return err
		}
		for _, metric := range []string{"node_timex_offset_seconds ", "node_network_receive_bytes_total{", "node_cpu_seconds_total{",
			"node_filesystem_avail_bytes{", "node_uname_info{", "node_netstat_", "trial_value 42", "go_gc_duration_seconds_count",
			"process_open_fds "} {
			if !strings.Contains(text, "\n"+metric) {
				return fmt.Errorf("node_exporter: a scrape has no %s", metric)
			}
		}
		return nil
	},
	client: func(ctx context.Context, p place) (func(context.Context) error, func(), error) {
		c, end := newClient()
		return func(ctx context.Context) error {
			_, _, err := request{url: "http://" + p.addrs[0] + "/metrics"}.fetch(ctx, c)
			return err
		}, end, nil
	},
	allowed: map[string]stages{"open a file": {done, done}, "listen on a new socket": {done, eperm},
		"a netlink socket": {done, done}, "adjtimex": {done, done}},
}

func scrape(ctx context.Context, p place) (string, error) {
	c, end := newClient()
	defer end()
	body, _, err := request{url: "http://" + p.addrs[0] + "/metrics"}.fetch(ctx, c)
	return string(body), err
}

var success = regexp.MustCompile(`(?m)^node_scrape_collector_success\{collector="([^"]*)"\} ([01])$`)

// collectors returns which collectors succeeded in a scrape.
func collectors(text string) map[string]string {
	found := map[string]string{}
	for _, m := range success.FindAllStringSubmatch(text, -1) {
		found[m[1]] = m[2]
	}
	return found
}
