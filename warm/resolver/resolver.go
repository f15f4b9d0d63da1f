// Package resolver loads the files that Go's own resolver reads: see package warm.
package resolver

import (
	"context"
	"fmt"
	"net"
)

// Load has package net read /etc/services and /etc/protocols, which it keeps for the life of the process, and
// /etc/resolv.conf, /etc/hosts and /etc/nsswitch.conf, which it does not: five seconds after it last looked it asks by
// newfstatat whether they have changed, and reads them again if they have (net/dnsclient_unix.go:tryUpdate,
// net/hosts.go:readHosts, net/nss.go:tryUpdate). So in a stage that opens no files
//
//   - with newfstatat (sys_newfstatat: 1; fstatat64 on 32-bit), lookups go on with what was loaded, as long as nobody
//     changes the files;
//   - without it, a failed question counts as a change: from then on /etc/hosts is empty, and questions go to name
//     servers on 127.0.0.1 and ::1, which is what Go does without a resolv.conf. A resolv.conf with `options no-reload`
//     is kept.
//
// Where either won't do, keep the set dns. The C library's resolver, which a program with cgo may take, reads the files
// by itself, and is not prepared by this.
//
// Nothing is sent: localhost is looked up, which every /etc/hosts has. An error says that it could not be.
func Load(ctx context.Context) error {
	r := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, fmt.Errorf("nothing is to be sent")
	}}
	if _, err := r.LookupPort(ctx, "tcp", "http"); err != nil {
		return fmt.Errorf("load the resolver's files: %w", err)
	}
	if _, err := net.ResolveIPAddr("ip4:icmp", "127.0.0.1"); err != nil { // a protocol's name is looked up
		return fmt.Errorf("load the resolver's files: %w", err)
	}
	if _, err := r.LookupHost(ctx, "localhost"); err != nil {
		return fmt.Errorf("load the resolver's files: %w", err)
	}
	return nil
}
