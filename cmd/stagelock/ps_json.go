package main

import (
	"time"

	"github.com/stagelock/seccomp/proc"
)

// A processJSON is a process as scripts read it. The fields of threadJSON are those of most threads.
type processJSON struct {
	Pid     int    `json:"pid"`
	Command string `json:"command"`
	Threads int    `json:"threads"`
	stateJSON
	Differ    []threadJSON `json:"differ"` // threads that differ from the rest
	Claim     *claimJSON   `json:"claim"`  // what the process has published; null: nothing that can be read
	Unclaimed string       `json:"unclaimed,omitempty"`
	Disagrees string       `json:"disagrees,omitempty"` // in what the kernel's count differs from the claim
	Unseen    string       `json:"unseen,omitempty"`    // threads that could not be read
}

type threadJSON struct {
	Tid  int    `json:"tid"`
	Name string `json:"name"`
	stateJSON
}

type stateJSON struct {
	Mode           string `json:"mode"`
	Filters        int    `json:"filters"` // -1: the kernel doesn't say
	NoNewPrivs     bool   `json:"no_new_privs"`
	StoreBypass    string `json:"store_bypass"`
	IndirectBranch string `json:"indirect_branch"`
}

type claimJSON struct {
	Stage   string    `json:"stage"`
	Policy  string    `json:"policy"`
	Mode    string    `json:"mode"`
	Go      string    `json:"go"`
	Locked  time.Time `json:"locked"`
	Filters int       `json:"filters"` // of each thread; -1: unknown
	Own     int       `json:"own"`
	Allowed int       `json:"allowed"`
	Known   int       `json:"known"`
}

func processesJSON(list []proc.Process) []processJSON {
	out := make([]processJSON, len(list))
	for i := range list {
		p := &list[i]
		usual, differ := p.Usual()
		x := processJSON{Pid: p.Pid, Command: p.Command, Threads: len(p.Threads), stateJSON: toStateJSON(usual),
			Differ: []threadJSON{}, Disagrees: p.Disagrees(), Unclaimed: message(p.Unclaimed), Unseen: message(p.Unseen)}
		for _, s := range differ {
			x.Differ = append(x.Differ, threadJSON{s.Tid, s.Name, toStateJSON(s)})
		}
		if c := p.Claim; c != nil {
			x.Claim = &claimJSON{c.Stage, c.Policy, c.Mode, c.Go, c.Locked.UTC(), c.Filters, c.Own, c.Allowed, c.Known}
		}
		out[i] = x
	}
	return out
}

func toStateJSON(s proc.State) stateJSON {
	return stateJSON{s.Mode.String(), s.Filters, s.NoNewPrivs, s.StoreBypass, s.IndirectBranch}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
