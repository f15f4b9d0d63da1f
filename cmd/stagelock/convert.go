package main

import (
	"flag"
	"io"
	"slices"
	"strings"

	"github.com/stagelock/seccomp/dialect"
	"github.com/stagelock/seccomp/dialect/beats"
	"github.com/stagelock/seccomp/dialect/oci"
	"github.com/stagelock/seccomp/dialect/systemd"
	"github.com/stagelock/seccomp/policy"
)

func newConvert() *command {
	return &command{
		name:     "convert",
		synopsis: "-from D -to D [-arch A] [-approximate] [-stage S] [-caps CAP,…] [-kernel V] [-go V] [-cgo] [-env NAME=N,…] FILE",
		brief:    "translate a policy from one dialect into another",
		help: `
The dialects D:

    stagelock   the policy language; of several stages one is converted, with the floor of the Go runtime
    beats       the setting seccomp of elastic's Beats, in YAML or JSON
    oci         the seccomp profile of a container runtime, in JSON: Docker's and containerd's too
    systemd     SystemCallFilter= and its kin, in a unit or alone

The result is for one architecture. What a dialect can't carry is an error that names the place. With -approximate the
nearest thing is taken that allows nothing more, and a note on stderr tells each time. What is printed has been read
again and compared with its source, for every call and all arguments.`,
		action: new(convert),
	}
}

// A convert is the command `convert`.
type convert struct {
	target
	envFlag
	from, to    string
	stage       string
	caps        string
	kernel      string
	approximate bool
}

func (c *convert) flags(fs *flag.FlagSet) {
	c.target.flags(fs)
	c.envFlag.flag(fs)
	fs.StringVar(&c.from, "from", "", "the dialect `D` of FILE: "+strings.Join(dialects[:], ", "))
	fs.StringVar(&c.to, "to", "", "the dialect `D` to write")
	fs.BoolVar(&c.approximate, "approximate", false, "take something stricter for what can't be carried over")
	fs.StringVar(&c.stage, "stage", "", "of a stagelock policy the stage `S`; without it the last one")
	fs.StringVar(&c.caps, "caps", "", "of an oci profile what holds for a container with the capabilities `CAP,…`,\nsuch as CAP_SYS_ADMIN")
	fs.StringVar(&c.kernel, "kernel", "", "of an oci profile what holds from the kernel `V` on, such as 6.12;\nwithout it any from 4.14 on")
}

// dialects are the names of all dialects.
var dialects = [...]string{"beats", "oci", "stagelock", "systemd"}

func (c *convert) run(s *streams, args []string) error {
	if len(args) != 1 {
		return shapef("one FILE is wanted, not %d", len(args))
	}
	for _, d := range [][2]string{{"-from", c.from}, {"-to", c.to}} {
		switch {
		case d[1] == "":
			return shapef("%s is missing: the dialects are %s", d[0], strings.Join(dialects[:], ", "))
		case !slices.Contains(dialects[:], d[1]):
			return wordf("%s: unknown dialect %q%s", d[0], d[1], orList(d[1], dialects[:]))
		}
	}
	arch, err := c.arch()
	if err != nil {
		return err
	}
	o := dialect.Options{Arch: arch.Name, Approximate: c.approximate}
	in, err := c.read(s, args[0], o)
	if err != nil {
		return err
	}
	out, err := c.write(in, o)
	if err != nil {
		tellNotes(s, in.Notes)
		return err
	}
	tellNotes(s, append(in.Notes, out.Notes...))
	_, err = io.WriteString(s.out, out.Text)
	return err
}

// read reads a file in its dialect.
func (c *convert) read(s *streams, file string, o dialect.Options) (*dialect.Reading, error) {
	if c.from == "stagelock" {
		return c.readStage(s, file)
	}
	text, err := readFile(s, file)
	if err != nil {
		return nil, err
	}
	switch c.from {
	case "beats":
		return beats.Read(title(file), text, o)
	case "oci":
		caps := strings.FieldsFunc(c.caps, func(r rune) bool { return r == ',' })
		return oci.Read(title(file), text, oci.Options{Options: o, Caps: caps, Kernel: c.kernel})
	}
	return systemd.Read(title(file), text, o)
}

// readStage returns what a stage of a policy amounts to.
func (c *convert) readStage(s *streams, file string) (*dialect.Reading, error) {
	p, err := c.plan(s, file, c.env)
	if err != nil {
		return nil, err
	}
	k, err := stageOf(p, c.stage)
	if err != nil {
		return nil, err
	}
	st := &p.Stages[k]
	if names := missing(st.Table); len(names) > 0 {
		return nil, wordf("the policy compares with what only the process itself knows: %s", sayEnv(names))
	}
	return &dialect.Reading{Source: title(file), Dialect: "stagelock, stage " + st.Name, Table: st.Table}, nil
}

// write writes a table in a dialect.
func (c *convert) write(in *dialect.Reading, o dialect.Options) (*dialect.Written, error) {
	switch c.to {
	case "beats":
		return beats.Write(in, o)
	case "oci":
		return oci.Write(in, o)
	case "systemd":
		return systemd.Write(in, o)
	}
	return dialect.Format(in, o)
}

// tellNotes prints notes; of a whole conversion, without a place.
func tellNotes(s *streams, notes []policy.Note) {
	for _, n := range notes {
		if n.Pos.Line == 0 {
			s.complain("note: %s", n.Text)
		} else {
			io.WriteString(s.err, note(n)+"\n")
		}
	}
}
