package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"
)

// bboltStore is given values until its file has to grow and be mapped anew, and asked for a copy of all of it, which is
// then opened.
var bboltStore = program{
	name: "bbolt",
	prepare: func(p place) ([]string, error) {
		return []string{"-addr", p.addrs[0], "-db", p.path("store.db")}, nil
	},
	visit: func(ctx context.Context, p place) error {
		c, end := newClient()
		defer end()
		at := "http://" + p.addrs[0] + "/"
		one, two := "visitor-"+strconv.Itoa(rand.Int()), "visitor-"+strconv.Itoa(rand.Int())
		big := strings.Repeat("big ", 1<<17) // 512 KiB
		for key, value := range map[string]string{one: "1", two: big} {
			if _, _, err := (request{method: http.MethodPut, url: at + key, body: value}).fetch(ctx, c); err != nil {
				return err
			}
		}
		if _, _, err := post(at+"swap", "a", one, "b", two).fetch(ctx, c); err != nil {
			return err
		}
		if _, _, err := post(at+"swap", "a", one, "b", "nothing").fetch(ctx, c); err == nil {
			return errors.New("bbolt: a key was swapped for one that isn't there")
		}
		if err := (request{url: at + two}).want(ctx, c, "1"); err != nil {
			return err
		}
		return backup(ctx, c, p, one, big)
	},
	client: func(ctx context.Context, p place) (func(context.Context) error, func(), error) {
		c, end := newClient()
		at := "http://" + p.addrs[0] + "/client-" + strconv.Itoa(rand.Int()) + "-"
		n := 0
		return func(ctx context.Context) error {
			n++
			key := at + strconv.Itoa(n%1000)
			value := strconv.Itoa(n) + strings.Repeat(".", 1000)
			if _, _, err := (request{method: http.MethodPut, url: key, body: value}).fetch(ctx, c); err != nil {
				return err
			}
			return request{url: key}.want(ctx, c, value)
		}, end, nil
	},
	allowed: map[string]stages{"open a file": {done, eperm}, "create a file": {done, eperm}, "remove a file": {done, eperm},
		"change a file's mode": {done, eperm}, "map a file": {done, done}, "listen on a new socket": {done, eperm}},
}

// backup fetches the whole store, and looks into it.
func backup(ctx context.Context, c *http.Client, p place, key, value string) error {
	whole, _, err := request{url: "http://" + p.addrs[0] + "/"}.fetch(ctx, c)
	if err != nil {
		return err
	}
	if err := p.write("backup.db", string(whole)); err != nil {
		return err
	}
	defer os.Remove(p.path("backup.db"))
	db, err := bbolt.Open(p.path("backup.db"), 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		if got := tx.Bucket([]byte("store")).Get([]byte(key)); !bytes.Equal(got, []byte(value)) {
			return fmt.Errorf("bbolt: the backup has %d bytes for %s, want %d", len(got), key, len(value))
		}
		return nil
	})
}
