package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A server is a process of this program that serves, or is to die trying.
type server struct {
	cmd    *exec.Cmd
	notes  []note
	stderr bytes.Buffer
	mu     sync.Mutex // of stderr

	serving  chan serving // what its log says once it serves; closed when it has ended
	finished chan struct{}
	err      error // how it ended
}

type serving struct{ Msg, Addr, Certificate string }

// start starts a server that follows an order, in the temporary directory, with the newest runtime behaviour, the
// collector at its hardest, and the traceback that a panic has by default.
func (t *selfTest) start(o order, mode string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o.Dir = t.dir
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	report, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, stderrW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	args := []string{"-addr=127.0.0.1:0", "-mode=" + mode,
		"-dir=" + filepath.Join(t.dir, "site"), "-config=" + filepath.Join(t.dir, "webserver.json")}
	if t.options.policy != "" {
		args = append(args, "-policy="+t.options.policy)
	}
	s := &server{cmd: exec.Command(self, args...), serving: make(chan serving, 1), finished: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), selftestEnv+"="+string(text), "GODEBUG="+newestRuntime, "GOTRACEBACK=single")
	if o.Load {
		s.cmd.Env = append(s.cmd.Env, "GOGC=1")
	}
	s.cmd.ExtraFiles = []*os.File{w} // descriptor 3
	s.cmd.Stderr = stderrW
	err = s.cmd.Start()
	w.Close()
	stderrW.Close()
	if err != nil {
		return nil, err
	}
	go s.follow(report, stderr)
	return s, nil
}

// follow reads what the server says until it has ended.
func (s *server) follow(report, stderr *os.File) {
	defer close(s.finished)
	var both sync.WaitGroup
	both.Add(2)
	var reading error
	go func() {
		defer both.Done()
		defer report.Close()
		for dec := json.NewDecoder(report); ; {
			var n note
			if err := dec.Decode(&n); err == io.EOF {
				return
			} else if err != nil {
				reading = fmt.Errorf("report: %w", err)
				return
			}
			s.notes = append(s.notes, n)
		}
	}()
	go func() {
		defer both.Done()
		defer close(s.serving)
		defer stderr.Close()
		for lines := bufio.NewReader(stderr); ; {
			line, err := lines.ReadBytes('\n')
			s.mu.Lock()
			s.stderr.Write(line)
			s.mu.Unlock()
			var at serving
			if json.Unmarshal(line, &at) == nil && at.Msg == "serving" {
				s.serving <- at
			}
			if err != nil {
				return
			}
		}
	}()
	both.Wait()
	s.err = errors.Join(reading, s.cmd.Wait())
}

// ready waits until the server serves.
func (s *server) ready() (serving, error) {
	select {
	case at, ok := <-s.serving:
		if ok {
			return at, nil
		}
		<-s.finished
		return at, fmt.Errorf("it ended before it served: %w\n%s", s.err, s.log())
	case <-time.After(patience):
		return serving{}, fmt.Errorf("it did not begin to serve\n%s", s.log())
	}
}

// drive waits until the server serves, and fetches pages for a while.
func (s *server) drive() (pages int, err error) {
	at, err := s.ready()
	if err != nil {
		return 0, err
	}
	if pages, err = fetch(at.Addr, at.Certificate, drive, drive+2*patience); err != nil {
		err = fmt.Errorf("%w\n%s", err, s.log())
	}
	return pages, err
}

// How long a server may take for anything, on a busy machine or an emulated one with a single processor.
const patience = 3 * time.Minute

// stop asks the server to end, as a service manager would, and demands that it does so cleanly.
func (s *server) stop() ([]note, error) {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	notes, err := s.wait()
	if err != nil {
		return nil, fmt.Errorf("SIGTERM: %w\n%s", err, s.log())
	}
	if len(notes) == 0 {
		return nil, fmt.Errorf("%w\n%s", errNoReport, s.log())
	}
	return notes, nil
}

// wait waits for the server's end.
func (s *server) wait() ([]note, error) {
	defer s.kill()
	select {
	case <-s.finished:
		return s.notes, s.err
	case <-time.After(patience):
		return nil, fmt.Errorf("it did not end\n%s", s.log())
	}
}

// signal tells what signal the server died of, if it did.
func (s *server) signal() (syscall.Signal, bool) {
	status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status.Signal(), ok && status.Signaled()
}

// log returns what the server wrote to its standard error.
func (s *server) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(s.stderr.String())
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// kill ends the server if it is still there.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.finished
}
