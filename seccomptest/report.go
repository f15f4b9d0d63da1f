package seccomptest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// A kind is what a record says.
type kind string

const (
	kindCheck    kind = "check"    // one check was made and held
	kindRefused  kind = "refused"  // a check that saw a filter refuse
	kindFailure  kind = "failure"  // one didn't hold
	kindLog      kind = "log"      // a line for the test's log
	kindSkip     kind = "skip"     // the case can't be run here
	kindDies     kind = "dies"     // from here on death by Signal is the only right end
	kindTraps    kind = "traps"    // from here on a crash by SIGSYS is
	kindAsks     kind = "asks"     // the child looks whether it is locked, by a call that may be its end
	kindAsked    kind = "asked"    // it wasn't
	kindUnlocked kind = "unlocked" // nothing is to be locked when the case ends
	kindSurvived kind = "survived" // what was to be the end wasn't
	kindEnd      kind = "end"      // the case has ended; nothing follows
)

// A record is one line of the report, in JSON.
type record struct {
	Kind   kind   `json:"kind"`
	Text   string `json:"text,omitempty"`
	Signal int    `json:"signal,omitempty"`
}

// reportSize bounds what a child can report. A page that is never written takes no memory.
const reportSize = 4 << 20

// headerSize bytes at the start of the report hold the length of what follows.
const headerSize = 8

// A report is memory that a child shares with its parent, and fills with records. It is written without any system
// call, and survives the child whatever ends it.
type report struct {
	mem  []byte
	full bool // a record was left out
}

func (r *report) append(rec record) {
	line, err := json.Marshal(rec)
	if err != nil {
		panic(fmt.Sprintf("seccomptest: bug: %v", err)) // a record holds strings and a number
	}
	line = append(line, '\n')
	n := binary.NativeEndian.Uint64(r.mem)
	if r.full = r.full || n+uint64(len(line)) > uint64(len(r.mem)-headerSize); r.full {
		// What was left out may have been a failure. No later record is taken, so the final one is missing, and that
		// fails the test.
		return
	}
	copy(r.mem[headerSize+n:], line)
	binary.NativeEndian.PutUint64(r.mem, n+uint64(len(line)))
}

// parseReport reads what a child has written, which may have ended or been killed at any moment.
func parseReport(mem []byte) ([]record, error) {
	if len(mem) < headerSize {
		return nil, fmt.Errorf("the report has no header")
	}
	n := binary.NativeEndian.Uint64(mem)
	if n > uint64(len(mem)-headerSize) {
		return nil, fmt.Errorf("the report's header is damaged")
	}
	var records []record
	dec := json.NewDecoder(bytes.NewReader(mem[headerSize : headerSize+n]))
	for dec.More() {
		var rec record
		if err := dec.Decode(&rec); err != nil {
			return nil, fmt.Errorf("the report is damaged: %w", err)
		}
		records = append(records, rec)
	}
	return records, nil
}

// A verdict is what the records say, before the way the process ended is looked at.
type verdict struct {
	failures []string
	logs     []string
	skipped  string
	refused  bool // by a filter that was seen
	unlocked bool // nothing is to be locked in the end
	checks   int
	dies     int    // the signal that has to end the process; 0 for none
	traps    bool   // a crash by SIGSYS has to
	what     string // does that
	asks     string // after which check the child looked whether it is locked, and didn't come back
	ended    bool   // the final record is there, and is the last
}

func judge(records []record) (v verdict) {
	for i, r := range records {
		switch r.Kind {
		case kindCheck:
			v.checks++
		case kindRefused:
			v.checks++
			v.refused = true
		case kindFailure, kindSurvived:
			v.failures = append(v.failures, r.Text)
		case kindLog:
			v.logs = append(v.logs, r.Text)
		case kindSkip:
			v.skipped = r.Text
		case kindUnlocked:
			v.unlocked = true
		case kindDies:
			v.dies, v.what = r.Signal, r.Text
		case kindTraps:
			v.traps, v.what = true, r.Text
		case kindAsks, kindAsked:
			v.asks = r.Text
		case kindEnd:
			v.ended = i == len(records)-1
		}
	}
	return v
}
