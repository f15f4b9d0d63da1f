package runtimeset

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stagelock/seccomp/runtimeset/internal/derive"
)

// indifferent are settings of GODEBUG that choose no system calls, or none that the sets tell apart, and why.
var indifferent = map[string]string{
	"asynctimerchan":    "what a timer's channel holds",
	"execerrdot":        "which programs are found",
	"multipathtcp":      "the sets of package net have both protocols",
	"netdns":            "the set dns has what either resolver does that is linked",
	"netedns0":          "what a question to a name server says",
	"panicnil":          "what recover returns",
	"tracebacklabels":   "what a traceback says",
	"winreadlinkvolume": "another system's",
	"winsymlink":        "another system's",
}

// TestSettingsAreGos: the settings that Go's own table has for the packages that make system calls are those that a Build
// knows, since the releases that it says, or are indifferent.
func TestSettingsAreGos(t *testing.T) {
	tool, err := derive.Installed()
	if err != nil {
		t.Fatal(err)
	}
	if is, _ := minor(tool.Version); !since(Newest, tool.Version) {
		t.Skipf("go1.%d is newer than the sets", is)
	}
	text, err := os.ReadFile(filepath.Join(tool.Root, "src", "internal", "godebugs", "table.go"))
	if err != nil {
		t.Skipf("the installed Go came without its source: %v", err)
	}
	entry := regexp.MustCompile(`\{Name: "(\w+)", Package: "(runtime|os|os/exec|net|syscall|time|internal/poll)"(?:.*Changed: (\d+))?`)
	found := entry.FindAllStringSubmatch(string(text), -1)
	if len(found) < 5 {
		t.Fatalf("%d settings were found", len(found))
	}
	for _, m := range found {
		at := slices.IndexFunc(settings[:], func(s struct{ name, since string }) bool { return s.name == m[1] })
		switch {
		case at < 0 && indifferent[m[1]] == "":
			t.Errorf("the setting %s of package %s: does it change what is called?", m[1], m[2])
		case at >= 0 && settings[at].since != "1."+m[3]:
			t.Errorf("%s is on since go1.%s, not go%s", m[1], m[3], settings[at].since)
		}
	}
	for _, s := range settings {
		if since(tool.Version, s.since) && !slices.ContainsFunc(found, func(m []string) bool { return m[1] == s.name }) {
			t.Errorf("go%s has no setting %s", tool.Version, s.name)
		}
	}
}
