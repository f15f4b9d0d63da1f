package seccomp

import (
	"fmt"
	"slices"

	"github.com/stagelock/seccomp/policy"
	"github.com/stagelock/seccomp/rule"
)

// composed returns the policy of a process that declares none, and whose first handle says what its stage is.
func composed(handles []*Handle) *rule.File {
	f := &rule.File{}
	for i, h := range handles {
		stmts := h.statements(f, i > 0)
		if i == 0 && len(h.sets) == 0 && onlyRefuses(stmts) && len(f.Mistakes) == 0 {
			f.Mistakes = append(f.Mistakes, &rule.Error{File: h.String(), Pos: stmts[0].Start(), Class: policy.ErrEmpty,
				Msg: "the first stage consists of what is said here alone, and this only refuses: name the sets it is to have with " +
					"Use, or lock " + h.String() + " without words first, which is a built-in stage, and narrow that"})
		}
		f.Stmts = append(append(f.Stmts, stageOf(h, h.name)), stmts...)
	}
	return f
}

// onlyRefuses tells whether statements grant nothing.
func onlyRefuses(stmts []rule.Stmt) bool {
	for _, s := range stmts {
		switch s := s.(type) {
		case *rule.Use, *rule.Only, *rule.Broken:
			return false
		case *rule.Rule:
			if n, ok := s.Verdict.(*rule.Number); !ok || n.Abs != 0 || slices.ContainsFunc(s.Rest().Else, logs) {
				return false
			}
		}
	}
	return true
}

func logs(e rule.Else) bool { return e.Action.Name == "log" }

// followed returns the built-in policy with what was said in code in the place where it was locked. What names a
// built-in stage that is not in force yet narrows it, or, with sets of its own, is that stage.
func followed(builtin *rule.File, handles []*Handle) *rule.File {
	f := &rule.File{Name: builtin.Name}
	next := 0 // handle to put
	stages, left := 0, false
	for _, s := range builtin.Stmts {
		if x, ok := s.(*rule.Stage); ok {
			for ; next < len(handles) && handles[next].behind <= stages && !handles[next].narrows(x.Name.Text); next++ {
				handles[next].put(f, inCode(handles, next), nil)
			}
			stages++
			left = slices.ContainsFunc(handles[:next], func(h *Handle) bool { return h.behind < stages && h.name == x.Name.Text })
			s = &rule.Stage{Pos: x.Pos, Name: x.Name, Loose: true}
		}
		if !left {
			f.Stmts = append(f.Stmts, s)
		}
	}
	for ; next < len(handles); next++ {
		handles[next].put(f, inCode(handles, next), nil)
	}
	return f
}

// narrows tells whether the handle narrows a built-in stage of that name, and is not the stage itself.
func (h *Handle) narrows(name string) bool { return h.name == name && len(h.sets) == 0 }

// narrowed returns the declared policy with what was said in code put in as stages of its own. What was said about a
// stage of the policy comes right behind that stage, and narrows it: what it refuses gets the deny of that stage.
func narrowed(declared *rule.File, handles []*Handle) *rule.File {
	f := &rule.File{Name: declared.Name}
	narrow := func(name string, deny *rule.Deny) {
		for i, h := range handles {
			if h.name == name {
				deny = h.put(f, inCode(handles, i), deny)
			}
		}
	}
	current, begun := "init", false
	var deny *rule.Deny // of the current stage
	for _, s := range declared.Stmts {
		switch s := s.(type) {
		case *rule.Stage:
			if begun {
				narrow(current, deny)
			}
			current, begun, deny = s.Name.Text, true, nil
		case *rule.Deny:
			if begun {
				deny = s
			}
		}
		f.Stmts = append(f.Stmts, s)
	}
	if !begun {
		// What follows must not become part of the first stage. That stands behind all it says, so that its deny is still
		// one before the first stage, which speaks for all.
		at := declared.Stmts[len(declared.Stmts)-1].Start()
		f.Stmts = append(f.Stmts, &rule.Stage{Pos: at, Name: rule.Name{Pos: at, Text: current}})
	}
	narrow(current, deny)
	return f
}

// put appends what the handle says to a policy, as a stage that narrows others. Without a deny of its own its refusals
// get the one that is given, if any. It returns the deny that counts.
func (h *Handle) put(f *rule.File, name string, deny *rule.Deny) *rule.Deny {
	stmts := h.statements(f, true)
	f.Stmts = append(f.Stmts, stageOf(h, name))
	for _, s := range stmts {
		if own, ok := s.(*rule.Deny); ok {
			f.Stmts = append(f.Stmts, stmts...)
			return own
		}
	}
	if deny != nil {
		f.Stmts = append(f.Stmts, deny)
	}
	f.Stmts = append(f.Stmts, stmts...)
	return deny
}

// stageOf begins the stage that a handle says.
func stageOf(h *Handle, name string) *rule.Stage {
	at := rule.Pos{Line: 1, Col: 1}
	return &rule.Stage{Pos: at, Name: rule.Name{Pos: at, Text: name}, File: h.String()}
}

// inCode names the stage by which the handle at i narrows a stage of the policy. No policy text can have a stage of that
// name.
func inCode(handles []*Handle, i int) string {
	name, n := handles[i].name, 1
	for _, h := range handles[:i] {
		if h.name == name {
			n++
		}
	}
	if n == 1 {
		return name + " in code"
	}
	return fmt.Sprintf("%s in code, %d", name, n)
}

// statements returns what the handle says, as the statements of a stage, and leaves its mistakes in f. narrow tells that
// there is a stage to narrow.
func (h *Handle) statements(f *rule.File, narrow bool) (stmts []rule.Stmt) {
	at := rule.Pos{Line: 1, Col: 1}
	if len(h.sets) > 0 {
		names := make([]rule.Name, len(h.sets))
		for i, s := range h.sets {
			names[i] = rule.Name{Pos: at, Text: s}
		}
		if narrow {
			stmts = append(stmts, &rule.Only{Pos: at, Sets: names})
		} else {
			stmts = append(stmts, &rule.Use{Pos: at, Sets: names})
		}
	}
	mistake := func(at rule.Pos, class error, msg string) {
		f.Mistakes = append(f.Mistakes, &rule.Error{File: h.String(), Pos: at, Class: class, Msg: msg})
	}
	if h.none {
		mistake(at, policy.ErrEmpty, "Use names no set: is the list that it was given empty?")
		stmts = append(stmts, &rule.Broken{Pos: at, Begun: &rule.Use{}})
	}
	for _, text := range h.text {
		said, err := rule.Parse(h.String(), text)
		list, _ := err.(rule.Errors) // as Parse says
		f.Mistakes = append(f.Mistakes, list...)
		if said == nil { // it is too large
			stmts = append(stmts, &rule.Broken{Pos: at})
			continue
		}
		if len(said.Stmts) == 0 && err == nil {
			mistake(at, policy.ErrEmpty, "Rules says nothing: was the text read?")
		}
		for _, s := range said.Stmts {
			if _, ok := s.(*rule.Stage); ok {
				mistake(s.Start(), rule.ErrSyntax,
					"a stage inside a stage: Rules says more about one, Declare takes whole policies")
				s = &rule.Broken{Pos: s.Start(), Begun: s}
			}
			stmts = append(stmts, s)
		}
	}
	return stmts
}
