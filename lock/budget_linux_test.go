package lock_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagelock/seccomp/internal/sys"
	"github.com/stagelock/seccomp/lock"
	"github.com/stagelock/seccomp/seccomptest"
)

// The kernel doesn't tell what a filter weighs, but how many fit: on threads of their own, filters of every make are
// installed until it says ENOMEM, which must come just where their weights predict it.
var weights = seccomptest.Case("weights", func(c *seccomptest.C) {
	c.Unlocked() // but for one thread after the other
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and ends with its filters
			c.Must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			for total := 0; ; {
				f := random(rng, 1500+rng.IntN(2500))
				w := lock.Weight(f)
				_, errno := sys.SetModeFilter(0, f)
				if fits := total+w <= lock.MaxWeight; fits != (errno == 0) {
					c.Errorf("%d instructions of weight %d, with %d in force: %v", len(f), w, total, errno)
				}
				if errno != 0 {
					return
				}
				total += w + lock.WeightEach
			}
		}()
		<-done
	}
	c.Allowed("go on", getppid)
})

func TestWeight(t *testing.T) {
	unlimited(t)
	weights.Run(t)
}

// random makes a valid program of every kind of instruction that seccomp takes, and jumps of every shape.
func random(rng *rand.Rand, n int) []lock.Instruction {
	codes := []uint16{
		unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_LD | unix.BPF_IMM, unix.BPF_LDX | unix.BPF_IMM,
		unix.BPF_LD | unix.BPF_W | unix.BPF_LEN, unix.BPF_MISC | unix.BPF_TAX, unix.BPF_MISC | unix.BPF_TXA,
		unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, unix.BPF_ALU | unix.BPF_ADD | unix.BPF_X, unix.BPF_ALU | unix.BPF_NEG,
		unix.BPF_ALU | unix.BPF_DIV | unix.BPF_X, unix.BPF_ALU | unix.BPF_DIV | unix.BPF_K, unix.BPF_ALU | unix.BPF_LSH | unix.BPF_K,
		unix.BPF_JMP | unix.BPF_JA, unix.BPF_ST,
		unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K,
		unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_X, unix.BPF_JMP | unix.BPF_JSET | unix.BPF_X,
		unix.BPF_RET | unix.BPF_K, unix.BPF_RET | unix.BPF_A,
	}
	allow := lock.Instruction{Code: ret, K: unix.SECCOMP_RET_ALLOW}
	f := []lock.Instruction{{Code: unix.BPF_JMP | unix.BPF_JA, K: uint32(n - 2)}} // straight to the last: allow
	for len(f) < n-4 {
		ins := lock.Instruction{Code: codes[rng.IntN(len(codes))]}
		switch ins.Code & 7 {
		case unix.BPF_JMP:
			if ins.Code&0xf0 == unix.BPF_JA {
				ins.K = uint32(rng.IntN(3))
				break
			}
			ins.Jt, ins.Jf = uint8(rng.IntN(3)), uint8(rng.IntN(3))
			ins.K = rng.Uint32()
		case unix.BPF_ALU:
			ins.K = 1 + uint32(rng.IntN(20))
		case unix.BPF_RET:
			ins.K = unix.SECCOMP_RET_ALLOW
		}
		f = append(f, ins)
	}
	return append(f, allow, allow, allow, allow)
}

var budget = seccomptest.Case("over the budget", func(c *seccomptest.C) {
	var s lock.Session
	for what, stage := range map[string]lock.Stage{
		"one filter too long": one("init", long(lock.MaxInstructions+1)),
		"too many of them":    {Name: "init", Filters: [][]lock.Instruction{long(4096), long(4096), long(4096), long(4096), long(4096), long(4096), long(4096), long(4096)}},
	} {
		r, err := s.Install(stage)
		want(c, what, is(err, lock.ErrTooLarge) && len(r.Instructions) == 0, err)
		c.Logf("%v", err)
	}
	for what, stage := range map[string]lock.Stage{
		"no filter": {Name: "init"}, "an empty one": one("init", nil),
	} {
		_, err := s.Install(stage)
		want(c, what, is(err, lock.ErrInvalid), err)
	}
	clean(c)

	// What earlier stages used counts.
	for range 7 {
		_, err := s.Install(one("init", long(4096)))
		c.Must(err)
	}
	_, err := s.Install(one("serve", long(4096)))
	want(c, "an eighth", is(err, lock.ErrTooLarge) && !is(err, unix.ENOMEM), err)
	_, err = s.Install(one("serve", long(2000)))
	c.Must(err)
	each(c, 8, true)
})

// Filters from outside are of unknown weight: there the kernel says it.
var budgetOuter = seccomptest.Case("over the budget with an outer filter", func(c *seccomptest.C) {
	outer(c, long(4096), long(4096), long(4096), long(4096), long(4096), long(4096), long(4096))
	var s lock.Session
	r, err := s.Install(one("init", long(4096)))
	want(c, "error", is(err, lock.ErrTooLarge) && is(err, unix.ENOMEM) && len(r.Instructions) == 0, err)
	c.Logf("%v", err)
	each(c, 7, true)
})

func TestBudget(t *testing.T) {
	unlimited(t)
	t.Run("own", func(t *testing.T) { budget.Run(t) })
	t.Run("outer", func(t *testing.T) { budgetOuter.Run(t) })
}
