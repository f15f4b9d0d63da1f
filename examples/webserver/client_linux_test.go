package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
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

// A connection that the server cuts off late is made anew: it may be that the machine stood still. One that it always cuts
// off at once is an error.
func TestFetchOfTheCutOff(t *testing.T) {
	files, err := fs.Sub(demo, "site")
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{cutOff, 0} {
		var cut atomic.Bool
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if after == 0 || cut.CompareAndSwap(false, true) {
				time.Sleep(after)
				panic(http.ErrAbortHandler)
			}
			w.Header().Set("X-Content-Type-Options", "nosniff")
			page, err := fs.ReadFile(files, strings.TrimPrefix(r.URL.Path, "/"))
			if err != nil {
				http.NotFound(w, r)
				return
			}
			http.ServeContent(w, r, r.URL.Path, time.Time{}, bytes.NewReader(page))
		}))
		certificate := fmt.Sprintf("%x", sha256.Sum256(s.Certificate().Raw))
		pages, err := fetch(s.Listener.Addr().String(), certificate, time.Millisecond, time.Minute)
		s.Close()
		if after > 0 && err != nil || after == 0 && (err == nil || errors.Is(err, context.DeadlineExceeded)) {
			t.Errorf("cut off after %v: %d pages, %v", after, pages, err)
		}
	}
}
