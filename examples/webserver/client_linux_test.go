package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// A server that doesn't answer in time is told from one that answers wrongly: the machine may be too busy.
func TestFetchOfNoAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // connections wait in its queue
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pages, err := fetch(l.Addr().String(), "", time.Millisecond, 50*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "0 pages in 50ms; the machine may be too busy") {
		t.Errorf("%d pages, %v", pages, err)
	}
}
