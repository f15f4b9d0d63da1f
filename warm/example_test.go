package warm_test

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"

	"github.com/stagelock/seccomp"
	"github.com/stagelock/seccomp/warm/certs"
	"github.com/stagelock/seccomp/warm/mimes"
	"github.com/stagelock/seccomp/warm/resolver"
	"github.com/stagelock/seccomp/warm/timezone"
)

// A proxy that opens no file once it serves. It still logs in local time, reaches servers over TLS, and knows MIME types.
// Name servers it asks as resolv.conf said when it started: sys_newfstatat stays, so that package net sees that nothing
// has changed.
func Example() {
	seccomp.Stage("init").Use("file.read", "file.io", "net.server", "net.client").MustLock()

	listener, err := net.Listen("tcp", "localhost:8080")
	if err := errors.Join(err, timezone.Load(), certs.Load(), resolver.Load(context.Background())); err != nil {
		log.Fatal(err)
	}
	mimes.Load()

	seccomp.Stage("serve").Rules(`
		drop net.listen
		sys_openat: 0
	`).MustLock()

	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := http.Get("https://example.org" + r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		response.Write(w)
	})))
}
