package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"time"
)

// fetch gets the pages of the demonstration again and again for a while, over HTTP/1.1 and HTTP/2, over kept and over
// new connections, and compares them with what they should be. It returns how many it got. They may be slow to come:
// only after the time in all that atMost gives is that an error.
func fetch(addr, certificate string, during, atMost time.Duration) (pages int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	clients := []*http.Client{client(certificate, false, false), client(certificate, true, false), client(certificate, false, true)}
	for end := time.Now().Add(during); time.Now().Before(end) || pages < 100; {
		for _, c := range clients {
			n, err := fetchAll(ctx, c, addr)
			pages += n
			switch {
			case ctx.Err() != nil && err != nil:
				return pages, fmt.Errorf("%w: %d pages in %v; the machine may be too busy", err, pages, atMost)
			case err != nil:
				return pages, err
			}
		}
	}
	return pages, nil
}

// client makes an HTTP client that knows the server's certificate by its fingerprint.
func client(certificate string, http2, once bool) *http.Client {
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: http2,
		DisableKeepAlives: once,
		TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, // the fingerprint is checked instead
			VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
				if len(raw) == 0 || fmt.Sprintf("%x", sha256.Sum256(raw[0])) != certificate {
					return errors.New("this is another server's certificate")
				}
				return nil
			},
		},
	}}
}

func fetchAll(ctx context.Context, c *http.Client, addr string) (pages int, err error) {
	files, err := fs.Sub(demo, "site")
	if err != nil {
		return 0, err
	}
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		want, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if err := patiently(ctx, c, "https://"+addr+"/"+name, http.StatusOK, want); err != nil {
			return err
		}
		pages++
		return nil
	})
	if err != nil {
		return pages, err
	}
	if err := patiently(ctx, c, "https://"+addr+"/none", http.StatusNotFound, nil); err != nil {
		return pages, err
	}
	return pages + 1, nil
}

// cutOff is after what time at the earliest a server gives up a client that is slow to say what it wants: net/http takes
// two seconds for the first settings of HTTP/2, and this server ten for a handshake or a request's header.
const cutOff = 2 * time.Second

// patiently is get, and asks once more where no answer came for so long that the server may have given the client up: on a
// machine that stood still nobody is to blame. What fails sooner, or is answered wrongly, is an error at once.
func patiently(ctx context.Context, c *http.Client, page string, status int, want []byte) error {
	for {
		begin := time.Now()
		err := get(ctx, c, page, status, want)
		var unanswered *url.Error
		if !errors.As(err, &unanswered) || time.Since(begin) < cutOff || ctx.Err() != nil {
			return err
		}
	}
}

// get fetches a page and checks it; nil stands for whatever text comes.
func get(ctx context.Context, c *http.Client, page string, status int, want []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", page, err)
	case resp.StatusCode != status:
		return fmt.Errorf("%s: status %s, %d was expected", page, resp.Status, status)
	case want != nil && !bytes.Equal(got, want):
		return fmt.Errorf("%s: other content than was written", page)
	case want != nil && resp.Header.Get("X-Content-Type-Options") != "nosniff":
		return fmt.Errorf("%s: the configured header is missing", page)
	}
	return nil
}
