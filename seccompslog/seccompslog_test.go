package seccompslog

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestLevelsAndFields(t *testing.T) {
	var b bytes.Buffer
	l := New(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	l.Infow("in force", "stage", "init", "threads", 7)
	l.Warnw("unverified", "stage", "init")
	l.Errorw("failed", "error", "no")
	want := "level=INFO msg=\"in force\" stage=init threads=7\n" +
		"level=WARN msg=unverified stage=init\n" +
		"level=ERROR msg=failed error=no\n"
	if b.String() != want {
		t.Errorf("logged\n%swant\n%s", b.String(), want)
	}
}
