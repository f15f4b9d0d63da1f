package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// jetStream is nats-server again, that keeps messages in files. Its users make streams and take them away, publish, and
// consume what was published before.
var jetStream = program{
	name: "jetstream", dir: "nats", policy: "jetstream.policy",
	prepare: func(p place) ([]string, error) {
		return []string{"-jetstream", "-config", p.path("nats.conf")},
			p.write("nats.conf", fmt.Sprintf("listen: %s\nhttp: %s\njetstream { store_dir: %q, max_mem: 16M, max_file: 1G }\n",
				p.addrs[0], p.addrs[1], p.path("store")))
	},
	visit: func(ctx context.Context, p place) error {
		return errors.Join(subscribe(ctx, p), keep(ctx, p), monitor(ctx, p))
	},
	client: func(ctx context.Context, p place) (func(context.Context) error, func(), error) {
		c, err := connect(p)
		if err != nil {
			return nil, nil, err
		}
		s, err := newKept(ctx, c)
		if err != nil {
			c.Close()
			return nil, nil, err
		}
		data := make([]byte, 1000)
		return func(ctx context.Context) error { return s.publishAndConsume(ctx, data) }, c.Close, nil
	},
	allowed: map[string]stages{"open a file": {done, done}, "create a file": {done, done}, "remove a file": {done, done},
		"change a file's mode": {done, done}, "listen on a new socket": {done, eperm}},
}

// A kept is a stream of its own on the server's disk, and one who consumes it.
type kept struct {
	js       jetstream.JetStream
	name     string
	stream   jetstream.Stream
	consumer jetstream.Consumer
}

// newKept makes a stream and a durable consumer, which the server writes down too.
func newKept(ctx context.Context, c *nats.Conn) (k kept, err error) {
	if k.js, err = jetstream.New(c, jetstream.WithDefaultTimeout(patience)); err != nil {
		return k, err
	}
	k.name = "kept-" + nats.NewInbox()[len(nats.InboxPrefix):]
	k.stream, err = k.js.CreateStream(ctx, jetstream.StreamConfig{Name: k.name, Subjects: []string{k.name + ".>"},
		Storage: jetstream.FileStorage, Retention: jetstream.WorkQueuePolicy})
	if err != nil {
		return k, err
	}
	k.consumer, err = k.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "reader", AckPolicy: jetstream.AckExplicitPolicy})
	return k, err
}

// publishAndConsume publishes a message, waits until the server has stored it, and takes it from the stream.
func (k kept) publishAndConsume(ctx context.Context, data []byte) error {
	if _, err := k.js.Publish(ctx, k.name+".message", data); err != nil {
		return err
	}
	batch, err := k.consumer.Fetch(1, jetstream.FetchMaxWait(patience))
	if err != nil {
		return err
	}
	came := 0
	for m := range batch.Messages() {
		if came++; len(m.Data()) != len(data) {
			return fmt.Errorf("jetstream: a message of %d bytes came, want %d", len(m.Data()), len(data))
		}
		if err := m.DoubleAck(ctx); err != nil {
			return err
		}
	}
	if err := batch.Error(); err != nil || came != 1 {
		return fmt.Errorf("jetstream: %d messages came, want one: %v", came, err)
	}
	return nil
}

// keep stores messages of all sizes before anybody reads them, looks whether they are on the disk, reads them, and takes the
// stream away again with its files.
func keep(ctx context.Context, p place) error {
	c, err := connect(p)
	if err != nil {
		return err
	}
	defer c.Close()
	k, err := newKept(ctx, c)
	if err != nil {
		return err
	}
	var sizes []int
	for size := 1; size < 1<<20; size *= 4 {
		sizes = append(sizes, size)
		if _, err := k.js.Publish(ctx, k.name+".size", make([]byte, size)); err != nil {
			return err
		}
	}
	dir := p.path("store/jetstream/$G/streams/" + k.name)
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("jetstream: the stream is not on the disk: %w", err)
	}
	batch, err := k.consumer.Fetch(len(sizes), jetstream.FetchMaxWait(patience))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		if len(sizes) == 0 || len(m.Data()) != sizes[0] {
			return fmt.Errorf("jetstream: a message of %d bytes came, want one of %v", len(m.Data()), sizes)
		}
		sizes = sizes[1:]
		if err := m.DoubleAck(ctx); err != nil {
			return err
		}
	}
	if err := batch.Error(); err != nil || len(sizes) > 0 {
		return fmt.Errorf("jetstream: messages of %v did not come: %v", sizes, err)
	}
	if err := k.stream.Purge(ctx); err != nil {
		return err
	}
	if err := k.js.DeleteStream(ctx, k.name); err != nil {
		return err
	}
	return until(ctx, func(context.Context) error { // it does so in the background
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			return fmt.Errorf("jetstream: the stream was deleted, and is still on the disk: %v", err)
		}
		return nil
	})
}
