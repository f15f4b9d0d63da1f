package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// A request is one that must be answered well.
type request struct {
	method, url string
	header      http.Header
	body        string
}

// fetch makes a request and returns the answer's body. An answer that is not one of success is an error.
func (r request) fetch(ctx context.Context, c *http.Client) ([]byte, *http.Response, error) {
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, r.url, strings.NewReader(r.body))
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(req.Header, r.header)
	resp, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, r.url, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, nil, fmt.Errorf("%s %s: %s: %s", method, r.url, resp.Status, bytes.TrimSpace(body))
	}
	return body, resp, nil
}

// want fails unless the answer is the one wanted.
func (r request) want(ctx context.Context, c *http.Client, body string) error {
	got, _, err := r.fetch(ctx, c)
	if err != nil {
		return err
	}
	if s := strings.TrimSpace(string(got)); s != body {
		return fmt.Errorf("%s %s answers %.100q, want %.100q", r.method, r.url, s, body)
	}
	return nil
}

// post is a request of a form's values.
func post(address string, values ...string) request {
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	return request{method: http.MethodPost, url: address, body: form.Encode(),
		header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
}

// newClient returns a client with connections of its own.
func newClient() (*http.Client, func()) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	return &http.Client{Transport: t}, t.CloseIdleConnections
}
