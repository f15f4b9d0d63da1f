package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp/internal/bpf"
)

// counts are what is counted exactly of a program.
type counts struct {
	instructions int
	checked      float64 // executed on the allowed argument-checked calls, each alternative once, in the mean
	mix          float64 // executed on the recorded calls that the kernel's bitmap doesn't hold, in the mean
	mixAll       float64 // executed on all recorded calls, as on a kernel before 5.11
	longest      int     // executed at most, on calls of the shared policy and on refused ones
	held         int     // plain calls that the bitmap holds
}

// String is a row of the table.
func (c counts) String() string {
	return fmt.Sprintf("%d\t%.2f\t%.2f\t%.2f\t%d\t%d", c.instructions, c.checked, c.mix, c.mixAll, c.longest, c.held)
}

func count(s *shared, prog []bpf.Instruction, mix []recorded) (counts, error) {
	c := counts{instructions: len(prog)}
	m, err := bpf.NewMachine(prog)
	if err != nil {
		return c, err
	}
	n := 0
	for _, call := range s.calls {
		if call.plain {
			if bpf.ConstantAllow(prog, arch.Audit, call.nr) {
				c.held++
			}
			continue
		}
		for _, v := range call.values {
			d := bpf.Data{Nr: call.nr, Arch: arch.Audit}
			d.Args[call.arg] = v
			ret, executed := m.Run(&d)
			if ret != retAllow {
				return c, fmt.Errorf("%s with %#x gets %#x", call.name, v, ret)
			}
			c.checked += float64(executed)
			n++
		}
	}
	c.checked /= float64(n)
	unheld, all := 0, 0
	for _, r := range mix {
		_, executed := m.Run(&bpf.Data{Nr: r.nr, Arch: arch.Audit, Args: r.args})
		all += r.n
		c.mixAll += float64(executed * r.n)
		if !bpf.ConstantAllow(prog, arch.Audit, r.nr) {
			unheld += r.n
			c.mix += float64(executed * r.n)
		}
	}
	c.mixAll /= float64(all)
	c.mix /= float64(unheld)
	for nr := range uint32(600) {
		for _, args := range edges(s, nr) {
			_, executed := m.Run(&bpf.Data{Nr: nr, Arch: arch.Audit, Args: args})
			c.longest = max(c.longest, executed)
		}
	}
	return c, nil
}

// edges returns arguments for a call: every argument that the shared policy checks at, below and above the values.
func edges(s *shared, nr uint32) [][6]uint64 {
	list := [][6]uint64{{}}
	for _, c := range s.calls {
		if c.nr != nr {
			continue
		}
		for _, v := range c.values {
			for _, x := range []uint64{v, v - 1, v + 1, v | 1<<32, v | 1<<63, v | 0xffffffff<<32, 1<<32 - 1, 1<<64 - 1} {
				var args [6]uint64
				args[c.arg] = x
				list = append(list, args)
			}
		}
	}
	return list
}

// A recorded is a call of the mix and how often it was made.
type recorded struct {
	n    int
	nr   uint32
	args [6]uint64
}

func readMix() (mix []recorded, err error) {
	name := "testdata/mix.txt"
	if !exists(name) {
		name = "integration/peers/" + name
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		c, ok := arch.Call(words[1])
		if !ok {
			return nil, fmt.Errorf("%s: no call %q", name, words[1])
		}
		r := recorded{nr: c.Nr}
		if r.n, err = strconv.Atoi(words[0]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for i, w := range words[2:] {
			if r.args[i], err = strconv.ParseUint(w, 0, 64); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		mix = append(mix, r)
	}
	return mix, lines.Err()
}

const (
	retAllow = 0x7fff0000
	retEperm = 0x00050001
)
