package lock

import "github.com/stagelock/seccomp/internal/sys"

// An Observed is a call that was let through, and that a stage would have refused.
type Observed = sys.Observed
