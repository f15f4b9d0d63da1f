//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a request may take: the server's process is stopped now and then, and the machine may be busy.
const patience = 30 * time.Second

// clients fetch pages until they are told to stop.
type clients struct {
	wait  sync.WaitGroup
	pages atomic.Int64
	mu    sync.Mutex
	err   error // the first
}

func (c *clients) start(ctx context.Context, addr string) {
	for i := range 6 {
		c.wait.Add(1)
		go func() {
			defer c.wait.Done()
			// Half of them make a connection for every page.
			client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				if err := fetch(client, "http://"+addr+"/"); err != nil && ctx.Err() == nil {
					c.mu.Lock()
					if c.err == nil {
						c.err = err
					}
					c.mu.Unlock()
					return
				}
				c.pages.Add(1)
			}
		}()
	}
}

func (c *clients) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func fetch(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || n != 32<<10) {
		err = fmt.Errorf("status %s, %d bytes", response.Status, n)
	}
	return err
}
