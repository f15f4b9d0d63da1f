package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/quic-go/quic-go/http3"
)

// caddyServer is asked for files by HTTP/1.1, HTTP/2 and HTTP/3, with and without TLS, for what a server behind it says,
// and to take a new configuration while it serves.
var caddyServer = program{
	name: "caddy",
	prepare: func(p place) ([]string, error) {
		cert, key, err := certificate()
		return []string{"-config", p.path("Caddyfile")}, errors.Join(err,
			p.write("cert.pem", cert), p.write("key.pem", key),
			p.write("site/index.html", page), p.write("site/big", strings.Repeat("big ", 1<<19)),
			p.write("Caddyfile", caddyfile(p, "first")))
	},
	visit: func(ctx context.Context, p place) error {
		if err := browse(ctx, p); err != nil {
			return err
		}
		return reload(ctx, p)
	},
	client: func(ctx context.Context, p place) (func(context.Context) error, func(), error) {
		c, end, err := secureClient(p, true)
		if err != nil {
			return nil, nil, err
		}
		fetch := func(ctx context.Context) error {
			return request{url: "https://" + p.addrs[1] + "/"}.want(ctx, c, page)
		}
		// The listener of the configuration before may still be closing, with connections that it never accepted: with or
		// without stages, they are reset. A connection that was accepted is kept.
		first, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return fetch, end, until(first, fetch)
	},
	allowed: map[string]stages{"open a file": {done, done}, "create a file": {done, eperm}, "remove a file": {done, eperm},
		"change a file's mode": {done, eperm}, "listen on a new socket": {done, done}, "connect to a server": {done, done}},
}

const page = "<p>Locked.</p>"

// caddyfile is a configuration: a plain site, one with TLS, and a word by which configurations are told apart.
func caddyfile(p place, word string) string {
	port := func(addr string) string { _, port, _ := net.SplitHostPort(addr); return port }
	return strings.NewReplacer("ADMIN", p.addrs[2], "HTTPS", p.addrs[1], "HTTP", p.addrs[0], "SPORT", port(p.addrs[1]),
		"PORT", port(p.addrs[0]), "DIR", p.dir, "PEER", p.peer, "WORD", word).Replace(`{
	admin ADMIN
	default_bind 127.0.0.1
	http_port PORT
	https_port SPORT
	persist_config off
	storage_check off
	storage_clean_interval off
	storage file_system DIR/storage
}
http://HTTP {
	root * DIR/site
	respond /word WORD
	reverse_proxy /peer PEER
	file_server
}
https://HTTPS {
	tls DIR/cert.pem DIR/key.pem
	root * DIR/site
	encode
	file_server
}
`)
}

// browse fetches by all ways that there are.
func browse(ctx context.Context, p place) error {
	plain, end := newClient()
	defer end()
	big, _, err := request{url: "http://" + p.addrs[0] + "/big"}.fetch(ctx, plain) // by sendfile
	if err != nil {
		return err
	}
	if want := bytes.Repeat([]byte("big "), 1<<19); !bytes.Equal(big, want) {
		return fmt.Errorf("caddy: the big file came as %d bytes, want %d", len(big), len(want))
	}
	if err := (request{url: "http://" + p.addrs[0] + "/peer"}).want(ctx, plain, "peer"); err != nil {
		return err
	}
	for _, second := range []bool{false, true} {
		c, end, err := secureClient(p, second)
		if err != nil {
			return err
		}
		defer end()
		body, resp, err := request{url: "https://" + p.addrs[1] + "/"}.fetch(ctx, c)
		if err != nil {
			return err
		}
		if string(body) != page || (resp.ProtoMajor == 2) != second {
			return fmt.Errorf("caddy: %s answers %q", resp.Proto, body)
		}
	}
	roots, err := trusting(p)
	if err != nil {
		return err
	}
	third := &http3.Transport{TLSClientConfig: roots}
	defer third.Close()
	if err := (request{url: "https://" + p.addrs[1] + "/"}).want(ctx, &http.Client{Transport: third}, page); err != nil {
		return fmt.Errorf("caddy: HTTP/3: %w", err)
	}
	return nil
}

var configurations atomic.Int64

// reload gives the server another configuration, and waits until it answers by it.
func reload(ctx context.Context, p place) error {
	c, end := newClient()
	defer end()
	word := "word-" + strconv.FormatInt(configurations.Add(1), 10)
	r := request{method: http.MethodPost, url: "http://" + p.addrs[2] + "/load", body: caddyfile(p, word),
		header: http.Header{"Content-Type": {"text/caddyfile"}}}
	if _, _, err := r.fetch(ctx, c); err != nil {
		return err
	}
	return until(ctx, func(ctx context.Context) error {
		return request{url: "http://" + p.addrs[0] + "/word"}.want(ctx, c, word)
	})
}

// secureClient trusts the server's certificate, and takes HTTP/2 or does not.
func secureClient(p place, second bool) (*http.Client, func(), error) {
	config, err := trusting(p)
	if err != nil {
		return nil, nil, err
	}
	c, end := newClient()
	t := c.Transport.(*http.Transport)
	t.TLSClientConfig = config
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(!second)
	t.Protocols.SetHTTP2(second)
	return c, end, nil
}

func trusting(p place) (*tls.Config, error) {
	text, err := os.ReadFile(p.path("cert.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: roots}, nil
}
