package remains

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkStart compares how long a program takes that is run directly, by `stagelock run`, and by `run -report`, in
// turns: the medians, and what each is of the direct one.
//
//	go test ./integration/remains -run '^$' -bench Start -benchtime 300x
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	stagelock, policy := filepath.Join(dir, "stagelock"), filepath.Join(dir, "no.policy")
	if out, err := exec.Command("go", "build", "-o", stagelock, "github.com/stagelock/seccomp/cmd/stagelock").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(policy, []byte(noExec), 0o600); err != nil {
		b.Fatal(err)
	}
	program, err := exec.LookPath("true")
	if err != nil {
		b.Skip("there is no program true: ", err)
	}
	ways := [][]string{
		{program},
		{stagelock, "run", "-policy", policy, "--", program},
		{stagelock, "run", "-report", "-policy", policy, "--", program},
		{stagelock, "-h"}, // what of it is the command's own start
	}
	times := make([][]time.Duration, len(ways))
	b.ResetTimer()
	for range b.N {
		for i, w := range ways {
			begin := time.Now()
			if err := exec.Command(w[0], w[1:]...).Run(); err != nil {
				b.Fatal(w, err)
			}
			times[i] = append(times[i], time.Since(begin))
		}
	}
	for i, name := range []string{"direct", "run", "report", "help"} {
		slices.Sort(times[i])
		median := times[i][len(times[i])/2]
		b.ReportMetric(float64(median.Microseconds()), name+"-µs")
		if i > 0 {
			b.ReportMetric(float64(median)/float64(times[0][len(times[0])/2]), name+"/direct")
		}
	}
}
