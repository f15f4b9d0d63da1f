// Basecontext is for a service that calls ListenAndServe, which listens and serves in one go. Its BaseContext is
// called in between, when the socket is open and nothing has been accepted: that is where the last stage is locked.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/stagelock/seccomp"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "listen on this `address`")
	flag.Parse()
	seccomp.Stage("init").MustLock()

	server := &http.Server{
		Addr: *addr,
		BaseContext: func(l net.Listener) context.Context {
			seccomp.Stage("serve").MustLock()
			log.Printf("serving on %s", l.Addr())
			return context.Background()
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := os.Create("/tmp/basecontext") // what an intruder might do
			http.Error(w, err.Error(), http.StatusForbidden)
		}),
	}
	log.Fatal(server.ListenAndServe())
}
