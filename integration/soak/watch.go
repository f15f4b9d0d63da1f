//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/proc"
)

// A sample is what the server has at a moment.
type sample struct {
	threads int
	born    int // threads, since the beginning: by the highest id seen, so also other processes'
	files   int
	rss     int // bytes
}

// A watch looks at a process from outside.
type watch struct {
	pid     int
	filters int // that each of its threads has to have; 0 if it isn't locked
	now     sample
	lows    []low
	seen    int
}

// A low is the least that a process had in some hundred samples: what it has when it rests.
type low struct{ threads, files, rss int }

// window is how many samples a low is taken from: more than one round of work and rest.
const window = 240

// look takes a sample, and demands that each thread has both stages' filters.
func (w *watch) look() error {
	threads, err := proc.FS{}.Threads(w.pid)
	if err != nil {
		return fmt.Errorf("the server's threads: %w", err)
	}
	s := sample{threads: len(threads)}
	for _, t := range threads {
		if s.born = max(s.born, t.Tid-w.pid); t.Filters < w.filters && !t.Exiting() {
			return fmt.Errorf("thread %d has %d filters, want %d", t.Tid, t.Filters, w.filters)
		}
	}
	dir := "/proc/" + strconv.Itoa(w.pid)
	fds, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return err
	}
	s.files = len(fds)
	statm, err := os.ReadFile(dir + "/statm")
	if err != nil {
		return err
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return fmt.Errorf("%s/statm is %q", dir, statm)
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return err
	}
	s.rss = pages * os.Getpagesize()
	w.now = s
	if w.seen%window == 0 {
		w.lows = append(w.lows, low{s.threads, s.files, s.rss})
	}
	l := &w.lows[len(w.lows)-1]
	l.threads, l.files, l.rss = min(l.threads, s.threads), min(l.files, s.files), min(l.rss, s.rss)
	w.seen++
	return nil
}

// settled are the lows without the first, in which the process is still growing to its size, and without the last, which
// may be of a few samples.
func (w *watch) settled() []low {
	if len(w.lows) < 4 {
		return nil
	}
	return w.lows[1 : len(w.lows)-1]
}

func (w *watch) summary() string {
	lows := w.settled()
	if lows == nil {
		return fmt.Sprintf("%d looks: too few to tell a leak", w.seen)
	}
	first, last := lows[0], lows[len(lows)-1]
	return fmt.Sprintf("%d looks; at rest, first and last: threads %d %d, files %d %d, MB %d %d", w.seen,
		first.threads, last.threads, first.files, last.files, first.rss>>20, last.rss>>20)
}

// judge compares what the process has at rest at the end with what it had near the beginning.
func (w *watch) judge() error {
	lows := w.settled()
	if lows == nil {
		return nil
	}
	first, last := lows[0], lows[len(lows)-1]
	if last.threads > first.threads+20 || last.files > first.files+10 || last.rss > 2*first.rss+64<<20 {
		return fmt.Errorf("it has more than at the beginning: %+v, then %+v", first, last)
	}
	return nil
}
