// Package listen loads what package net finds out when it first listens: see package warm.
package listen

import (
	"fmt"
	"net"
)

// Load listens on a free port of the loopback interface for a moment. With it package net reads
// /proc/sys/net/core/somaxconn, how many connections may wait to be accepted, and tries which of IPv4, IPv6 and MPTCP
// there are; it keeps both for the life of the process (net/net.go:listenerBacklog, net/ipsock_posix.go:probe). Without
// it, a stage that listens but opens no files gets queues of 128 connections, and nothing says so.
//
// A program that has listened once needs it no more.
func Load() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for a moment: %w", err)
	}
	return l.Close()
}
