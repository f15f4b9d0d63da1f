package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// natsServer is driven by its own client: publishing and subscribing, questions and answers, big messages, and a look at
// its monitoring.
var natsServer = program{
	name: "nats",
	prepare: func(p place) ([]string, error) {
		return []string{"-config", p.path("nats.conf")},
			p.write("nats.conf", fmt.Sprintf("listen: %s\nhttp: %s\n", p.addrs[0], p.addrs[1]))
	},
	visit: func(ctx context.Context, p place) error {
		return errors.Join(subscribe(ctx, p), monitor(ctx, p))
	},
	client: func(ctx context.Context, p place) (func(context.Context) error, func(), error) {
		c, err := connect(p)
		if err != nil {
			return nil, nil, err
		}
		subject := nats.NewInbox()
		if _, err := c.Subscribe(subject, func(m *nats.Msg) { m.Respond(m.Data) }); err != nil {
			return nil, nil, err
		}
		data := make([]byte, 1000)
		return func(ctx context.Context) error {
			_, err := c.RequestWithContext(ctx, subject, data)
			return err
		}, c.Close, nil
	},
	allowed: map[string]stages{"open a file": {done, eperm}, "listen on a new socket": {done, eperm}},
}

// connect connects to the server, which by itself the client waits two seconds for.
func connect(p place) (*nats.Conn, error) { return nats.Connect(p.addrs[0], nats.Timeout(patience)) }

// subscribe sends messages of all sizes through the server, and demands each of them, in order.
func subscribe(ctx context.Context, p place) error {
	c, err := connect(p)
	if err != nil {
		return err
	}
	defer c.Close()
	sub, err := c.SubscribeSync("programs.>")
	if err != nil {
		return err
	}
	for size := 1; size < 1<<20; size *= 4 {
		if err := c.Publish("programs.size", make([]byte, size)); err != nil {
			return err
		}
	}
	for size := 1; size < 1<<20; size *= 4 {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return err
		}
		if len(m.Data) != size {
			return fmt.Errorf("nats: a message of %d bytes came, want %d", len(m.Data), size)
		}
	}
	return nil
}

// monitor asks the server what it has seen.
func monitor(ctx context.Context, p place) error {
	c, end := newClient()
	defer end()
	body, _, err := request{url: "http://" + p.addrs[1] + "/varz"}.fetch(ctx, c)
	if err != nil {
		return err
	}
	var v struct {
		Total int64         `json:"total_connections"`
		Now   time.Time     `json:"now"`
		Start time.Time     `json:"start"`
		Up    time.Duration `json:"-"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	if v.Total == 0 || !v.Now.After(v.Start) {
		return fmt.Errorf("nats: /varz says %+v after a connection", v)
	}
	return nil
}
