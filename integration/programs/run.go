package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/integration/programs/internal/trial"
)

// build builds a program into a directory, pure Go as it is mostly deployed. toolchain is a Go release such as go1.25.14;
// "" is the one that runs this. With trial it takes orders.
func build(dir, toolchain string, withTrial bool, p program) error {
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if withTrial {
		args = append(args, "-tags", "trial")
	}
	cmd := exec.Command("go", append(args, "./"+p.source())...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if toolchain != "" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+toolchain)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}

// A process is a program that runs.
type process struct {
	place
	cmd    *exec.Cmd
	log    output // what it prints
	orders *json.Encoder
	notes  *json.Decoder
	ended  chan error
}

// An output keeps what is written to it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *output) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *output) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs a program that was built into the directory bin. With env it gets that in its environment.
func start(bin string, p program, at place, mode string, env ...string) (*process, error) {
	args, err := p.prepare(at)
	if err != nil {
		return nil, err
	}
	r := &process{place: at, ended: make(chan error, 1)}
	r.cmd = exec.Command(filepath.Join(bin, p.source()), append([]string{"-mode", mode}, args...)...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = at.dir, &r.log, &r.log
	r.cmd.Env = append(at.environ(), env...)
	theirOrders, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	notes, theirNotes, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirOrders.Close(), ours.Close())
	}
	r.cmd.ExtraFiles = []*os.File{theirOrders, theirNotes}
	r.orders, r.notes = json.NewEncoder(ours), json.NewDecoder(bufio.NewReader(notes))
	err = r.cmd.Start()
	theirOrders.Close()
	theirNotes.Close()
	if err != nil {
		return nil, errors.Join(err, ours.Close(), notes.Close())
	}
	go func() {
		r.ended <- r.cmd.Wait()
		ours.Close()
		notes.Close()
	}()
	return r, nil
}

// startTrial is start for a program that takes orders: under pressure, and trying what an intruder would after each lock.
func startTrial(bin string, p program, at place) (*process, error) {
	setting, err := json.Marshal(trial.Setting{Dir: at.dir, Peer: at.peer})
	if err != nil {
		return nil, err
	}
	return start(bin, p, at, "enforce", trial.Env+"="+string(setting), "GOGC=1", "GOTRACEBACK=all")
}

// note returns the next thing that the program reports.
func (r *process) note() (n trial.Note, err error) {
	if err := r.notes.Decode(&n); err != nil {
		if err == io.EOF {
			err = errors.New("the program ended")
		}
		return n, fmt.Errorf("%w; it printed:\n%s", err, r.log.String())
	}
	return n, nil
}

// ask gives an order and returns the answer.
func (r *process) ask(o trial.Order) (trial.Note, error) {
	if err := r.orders.Encode(o); err != nil {
		return trial.Note{}, err
	}
	return r.note()
}

// patience is how long anything may take that should take no time, on a machine that has much else to do.
const patience = time.Minute

// wait waits until the program has ended by itself.
func (r *process) wait() error {
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		return errors.Join(errors.New("the program doesn't end"), r.kill())
	}
}

// stop asks the program to end as its users do.
func (r *process) stop() error {
	return errors.Join(r.cmd.Process.Signal(unix.SIGTERM), r.wait())
}

func (r *process) kill() error {
	err := r.cmd.Process.Kill()
	<-r.ended
	return err
}

// load lets several clients use the program until ctx is done. It returns how often they did, and what went wrong first.
func load(ctx context.Context, p program, at place, clients int) (uses int64, err error) {
	type result struct {
		uses int64
		err  error
	}
	results := make(chan result, clients)
	for range clients {
		go func() {
			var r result
			use, end, err := p.client(context.WithoutCancel(ctx), at) // what was begun is finished, however slow the machine
			if err != nil {
				results <- result{0, err}
				return
			}
			defer end()
			for ctx.Err() == nil && r.err == nil {
				if r.err = use(context.WithoutCancel(ctx)); r.err == nil {
					r.uses++
				}
			}
			results <- r
		}()
	}
	for range clients {
		r := <-results
		uses += r.uses
		if err == nil {
			err = r.err
		}
	}
	return uses, err
}

// complaints returns the lines of what the program printed that say something was refused: there should be none.
func (r *process) complaints() (lines []string) {
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "not permitted") || strings.Contains(line, "not implemented") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
