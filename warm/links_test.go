package warm_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestLinksWhatIsAskedFor: the packages that weigh something are reached by those alone that are about them.
func TestLinksWhatIsAskedFor(t *testing.T) {
	for pkg, heavy := range map[string][]string{
		"timezone": {}, "mimes": {"mime"}, "listen": {"net"}, "resolver": {"net"}, "certs": {"crypto/x509", "net"},
	} {
		out, err := exec.Command("go", "list", "-deps", "./"+pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		for _, dep := range []string{"crypto/x509", "net", "mime", "net/http", "encoding/json"} {
			if got, want := slices.Contains(deps, dep), slices.Contains(heavy, dep); got != want {
				t.Errorf("%s links %s: %v, want %v", pkg, dep, got, want)
			}
		}
	}
}
