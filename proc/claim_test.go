package proc

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagelock/seccomp/internal/corpus"
)

func sampleClaim() Claim {
	return Claim{
		Stage: "serve", Policy: "web server.policy", Mode: "enforce", Go: "go1.26.8", Arch: "amd64",
		Locked: time.UnixMilli(1790000000123), Filters: 3, Own: 2, Allowed: 80, Known: 380, Dropped: 41, Floor: 22,
		Verified: 9, Inherited: 1, Unverified: "why not", Notes: []string{"one", "two two"},
		Programs: [][]Instruction{{{Code: 0x20, K: 4}, {Code: 0x15, Jt: 255, Jf: 1, K: 1<<32 - 1}, {Code: 6}}, {{Code: 6, K: 0x7fff0000}}},
		Source:   "stage init\n    use file\nstage serve\n    drop file.read # ä\n",
	}
}

func TestClaimText(t *testing.T) {
	want := sampleClaim()
	got, err := ParseClaim(want.Text(1 << 20))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// However little room there is, as long as the fields have it: what is left out is said, and the rest is there.
func TestClaimRoom(t *testing.T) {
	whole := sampleClaim()
	full := len(whole.Text(1 << 20))
	fields := len(whole.fields()) + 100
	for room := fields; room < full+100; room++ {
		text := whole.Text(room)
		if len(text) > room {
			t.Fatalf("%d bytes in a room of %d", len(text), room)
		}
		got, err := ParseClaim(text)
		if err != nil {
			t.Fatalf("room %d: %v\n%s", room, err, text)
		}
		if len(got.Programs)+got.LeftOut != 2 || len(got.Source)+got.Cut != len(whole.Source) {
			t.Fatalf("room %d: %d and %d programs, %d and %d bytes of source", room, len(got.Programs), got.LeftOut,
				len(got.Source), got.Cut)
		}
		if !strings.HasPrefix(whole.Source, got.Source) || got.Source != "" && !strings.HasSuffix(got.Source, "\n") {
			t.Fatalf("room %d: the source is %q", room, got.Source)
		}
		if room >= full+32 && (got.LeftOut > 0 || got.Cut > 0) {
			t.Fatalf("room %d of %d: %d, %d", room, full, got.LeftOut, got.Cut)
		}
	}
}

// Nothing in a field makes another one.
func TestClaimOneLine(t *testing.T) {
	c := sampleClaim()
	c.Policy, c.Notes = "a\nstage other\n", []string{"x\ny"}
	got, err := ParseClaim(c.Text(1 << 20))
	if err != nil || got.Stage != "serve" || got.Policy != "a stage other " || got.Notes[0] != "x y" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParseClaimMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"empty":             "",
		"no source":         "stage x\n",
		"no newline":        "stage x",
		"a number":          "own x\nsource 0\n",
		"a time":            "locked x\nsource 0\n",
		"a short source":    "source 5\nabc\n",
		"a long source":     "source 1\nabc\n",
		"an empty filter":   "filter 0\nsource 0\n",
		"a huge filter":     "filter 65000,1 2 3 4\nsource 0\n",
		"fewer than said":   "filter 2,6 0 0 0\nsource 0\n",
		"three numbers":     "filter 1,6 0 0\nsource 0\n",
		"a code too large":  "filter 1,65536 0 0 0\nsource 0\n",
		"a negative offset": "filter 1,6 -1 0 0\nsource 0\n",
	} {
		if c, err := ParseClaim([]byte(text)); !errors.Is(err, ErrClaim) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if _, err := ParseClaim([]byte("later 1\nstage x\nsource 0\n")); err != nil {
		t.Errorf("a field to come: %v", err)
	}
}

func TestDisagrees(t *testing.T) {
	for _, tt := range []struct {
		claim Claim
		state State
		want  string
	}{
		{Claim{Filters: 3, Own: 2}, State{Mode: Filter, Filters: 3}, ""},
		{Claim{Filters: 3, Own: 2}, State{Mode: Filter, Filters: -1}, ""},
		{Claim{Filters: 3, Own: 2}, State{Mode: Filter, Filters: 4}, "it claims 3 filters, the kernel counts 4"},
		{Claim{Filters: 3, Own: 2}, State{Mode: Filter, Filters: 2}, "it claims 3 filters, the kernel counts 2"},
		{Claim{Filters: -1, Own: 2}, State{Mode: Filter, Filters: 7}, ""},
		{Claim{Filters: -1, Own: 2}, State{Mode: Filter, Filters: 1}, "it claims 2 filters of its own, the kernel counts 1"},
		{Claim{Filters: -1, Own: 2}, State{Mode: Disabled}, "it claims 2 filters, the kernel says that the mode is disabled"},
	} {
		if got := tt.claim.Disagrees(tt.state); got != tt.want {
			t.Errorf("%+v of %+v: %q, want %q", tt.state, tt.claim, got, tt.want)
		}
	}
}

func FuzzParseClaim(f *testing.F) {
	corpus.AddBytes(f)
	sample := sampleClaim()
	f.Add(sample.Text(1 << 20))
	f.Add([]byte("filter 1,6 0 0 0\nsource 2\nx\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseClaim(text)
		if err != nil {
			if !errors.Is(err, ErrClaim) {
				t.Fatal(err)
			}
			return
		}
		if c.Disagrees(State{Mode: Filter, Filters: -1}) != "" {
			t.Fatal("it disagrees with a kernel that doesn't say")
		}
	})
}
