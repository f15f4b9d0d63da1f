package seccomp_test

import (
	"testing"

	"github.com/stagelock/seccomp/seccomptest"
)

func TestMain(m *testing.M) { seccomptest.Main(m) }
