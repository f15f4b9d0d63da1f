//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/stagelock/seccomp/proc"
)

// soak runs the server for a time, and judges it.
func soak(duration, every time.Duration, unlocked bool) error {
	stderr, err := os.CreateTemp("", "soak-") // what the server complains of
	if err != nil {
		return err
	}
	defer os.Remove(stderr.Name())
	args := []string{"-serve"}
	if unlocked {
		args = append(args, "-unlocked")
	}
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	end := func(err error) error {
		if err != nil { // perhaps because the server is about to end
			select {
			case <-ended:
			case <-time.After(time.Second):
			}
		}
		select {
		case <-ended:
			err = errors.Join(fmt.Errorf("the server ended: %v", cmd.ProcessState), err)
		default:
			cmd.Process.Kill()
		}
		text, _ := os.ReadFile(stderr.Name())
		if len(text) > 0 {
			err = errors.Join(err, fmt.Errorf("the server said: %.4000s", text))
		}
		return err
	}
	if err != nil {
		return end(fmt.Errorf("the server did not start: %w", err))
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var load clients
	load.start(ctx, strings.TrimSpace(addr))
	// The time counts from the first page on, for which a busy machine may take longer than that.
	for load.pages.Load() == 0 && load.failed() == nil {
		select {
		case <-ended:
			return end(nil)
		case <-time.After(time.Millisecond):
		}
	}
	var sent int
	w := watch{pid: cmd.Process.Pid}
	if !unlocked {
		ours, err := proc.FS{}.Threads(os.Getpid())
		if err != nil {
			return end(err)
		}
		w.filters = ours[0].Filters + 2 // what it was started under, and its stages
	}
	stop := time.After(duration)
	look, say, shoot := time.NewTicker(50*time.Millisecond), time.NewTicker(every), time.NewTicker(5*time.Millisecond)
	fmt.Printf("%8s %10s %8s %8s %8s %8s %8s\n", "seconds", "pages", "signals", "threads", "born", "files", "MB")
	start := time.Now()
	line := func() {
		fmt.Printf("%8.0f %10d %8d %8d %8d %8d %8d\n", time.Since(start).Seconds(), load.pages.Load(), sent, w.now.threads,
			w.now.born, w.now.files, w.now.rss>>20)
	}
	for running := true; running; {
		select {
		case <-ended:
			return end(nil)
		case <-stop:
			running = false
		case <-shoot.C:
			sent++
			shot(cmd.Process, sent)
		case <-look.C:
			if err := w.look(); err != nil {
				return end(err)
			}
			if err := load.failed(); err != nil {
				return end(fmt.Errorf("a page could not be fetched: %w", err))
			}
		case <-say.C:
			line()
		}
	}
	cancel()
	load.wait.Wait()
	line()
	if err := load.failed(); err != nil {
		return end(fmt.Errorf("a page could not be fetched: %w", err))
	}
	// Left alone, it comes to rest.
	time.Sleep(2 * time.Second)
	if err := w.look(); err != nil {
		return end(err)
	}
	fmt.Println(w.summary())
	return end(w.judge())
}

// shot sends a signal of those that are handled, and sometimes stops the process for a moment.
func shot(p *os.Process, n int) {
	if n%200 == 0 {
		p.Signal(syscall.SIGSTOP)
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		p.Signal(syscall.SIGCONT)
		return
	}
	p.Signal(handled[rand.IntN(len(handled))])
}
