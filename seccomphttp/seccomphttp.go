// Package seccomphttp shows on a debug page what a process has locked itself to.
//
//	mux.Handle("/debug/seccomp", seccomphttp.Handler())
//
// The page is a text for people, and JSON for programs that ask for it with the header Accept: application/json or with
// ?format=json. It says which calls the process can still make, which is of use to an intruder too: put it where the
// other debug pages are, not before the public.
//
// The page is made of what the process remembers. It makes no system call that a stage could have given up, so that it
// is there under every stage, also one that kills. What the kernel has to say about the process is read from outside,
// by `stagelock ps` and `stagelock show`.
package seccomphttp

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/stagelock/seccomp"
)

// Path is where the page is by convention.
const Path = "/debug/seccomp"

// Handler returns the handler of the page.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the page is there to be read", http.StatusMethodNotAllowed)
		return
	}
	kind, body := "text/plain; charset=utf-8", text
	switch format := r.URL.Query().Get("format"); {
	case format == "json", format == "" && wantsJSON(r.Header.Values("Accept")):
		kind, body = "application/json", asJSON
	case format != "" && format != "text":
		http.Error(w, "format is text or json", http.StatusBadRequest)
		return
	}
	page := body(seccomp.Current())
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(page)))
	h.Set("Vary", "Accept")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodHead {
		w.Write(page) // a client that is gone is no concern of ours
	}
}

// wantsJSON tells whether JSON is liked better than text by an Accept header (RFC 9110, section 12.5.1). Where both are
// liked as much, as by */*, it is text.
func wantsJSON(accept []string) bool {
	var json, text quality
	for _, part := range strings.Split(strings.Join(accept, ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if s, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(s, 64); err != nil {
				continue
			}
		}
		switch kind {
		case "application/json":
			json.set(3, q)
		case "application/*":
			json.set(2, q)
		case "text/plain":
			text.set(3, q)
		case "text/*":
			text.set(2, q)
		case "*/*":
			json.set(1, q)
			text.set(1, q)
		}
	}
	return json.q > text.q
}

// A quality is how much a type is liked, by the most specific range that it falls in.
type quality struct {
	specific int
	q        float64
}

func (x *quality) set(specific int, q float64) {
	if specific > x.specific {
		*x = quality{specific, q}
	}
}
