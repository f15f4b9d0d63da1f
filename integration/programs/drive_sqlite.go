package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

// sqliteLedger is asked for transfers, some of which must fail, and must not lose money.
var sqliteLedger = program{
	name: "sqlite",
	prepare: func(p place) ([]string, error) {
		return []string{"-addr", p.addrs[0], "-db", p.path("ledger.db")}, nil
	},
	visit: func(ctx context.Context, p place) error {
		c, end := newClient()
		defer end()
		at := "http://" + p.addrs[0]
		before, err := amount(ctx, c, at+"/total")
		if err != nil {
			return err
		}
		from, to := "visitor "+strconv.Itoa(rand.Int()), "visitor "+strconv.Itoa(rand.Int())
		for _, r := range []request{
			post(at+"/deposit", "to", from, "amount", "100"), post(at+"/deposit", "to", to, "amount", "1"),
			post(at+"/transfer", "from", from, "to", to, "amount", "30"),
		} {
			if _, _, err := r.fetch(ctx, c); err != nil {
				return err
			}
		}
		const refusal = "409 Conflict"
		for _, r := range []request{
			post(at+"/transfer", "from", from, "to", to, "amount", "1000"),    // more than there is
			post(at+"/transfer", "from", from, "to", "nobody", "amount", "1"), // taken, and given back
		} {
			if _, _, err := r.fetch(ctx, c); err == nil || !strings.Contains(err.Error(), refusal) {
				return fmt.Errorf("sqlite: an impossible transfer: %v, want %s", err, refusal)
			}
		}
		if n, err := amount(ctx, c, at+"/balance?of="+strings.ReplaceAll(from, " ", "+")); err != nil || n != 70 {
			return fmt.Errorf("sqlite: the balance is %d (%v), want 70", n, err)
		}
		if _, err := amount(ctx, c, at+"/largest"); err != nil {
			return err
		}
		if n, err := amount(ctx, c, at+"/total"); err != nil || n < before+101 {
			return fmt.Errorf("sqlite: the total is %d (%v) after %d and a deposit of 101", n, err, before)
		}
		return nil
	},
	client: func(ctx context.Context, p place) (func(context.Context) error, func(), error) {
		c, end := newClient()
		at := "http://" + p.addrs[0]
		a, b := "client "+strconv.Itoa(rand.Int()), "client "+strconv.Itoa(rand.Int())
		for _, name := range []string{a, b} {
			if _, _, err := post(at+"/deposit", "to", name, "amount", "1000000").fetch(ctx, c); err != nil {
				return nil, nil, err
			}
		}
		return func(ctx context.Context) error {
			a, b = b, a
			_, _, err := post(at+"/transfer", "from", a, "to", b, "amount", "5").fetch(ctx, c)
			return err
		}, end, nil
	},
	allowed: map[string]stages{"open a file": {done, eperm}, "create a file": {done, eperm}, "remove a file": {done, eperm},
		"change a file's mode": {done, eperm}, "map a file": {done, done}, "listen on a new socket": {done, eperm}},
}

func amount(ctx context.Context, c *http.Client, url string) (int64, error) {
	body, _, err := request{url: url}.fetch(ctx, c)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64)
}
