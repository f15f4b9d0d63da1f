package main

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

//go:embed site webserver.json
var demo embed.FS

// A site holds everything it serves in memory: once it is read, no file is needed any more.
type site struct {
	pages   map[string]page // by the path of the URL
	headers map[string]string
}

type page struct {
	content  []byte
	kind     string // the MIME type
	modified time.Time
}

// readSite reads all files of a directory, or of the demonstration if dir is empty.
func readSite(dir string, headers map[string]string) (*site, error) {
	var files fs.FS = os.DirFS(dir)
	if dir == "" {
		sub, err := fs.Sub(demo, "site")
		if err != nil {
			return nil, err
		}
		files = sub
	}
	s := &site{pages: make(map[string]page), headers: headers}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		// The type is looked up now: package mime reads its tables from files, at the first question.
		p := page{content, mime.TypeByExtension(path.Ext(name)), info.ModTime()}
		s.pages["/"+name] = p
		if dir, ok := strings.CutSuffix("/"+name, "index.html"); ok {
			s.pages[dir] = p
		}
		return nil
	})
	if err == nil && len(s.pages) == 0 {
		err = fmt.Errorf("%s: no files to serve", dir)
	}
	return s, err
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, ok := s.pages[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	for name, value := range s.headers {
		w.Header().Set(name, value)
	}
	if p.kind != "" {
		w.Header().Set("Content-Type", p.kind)
	}
	http.ServeContent(w, r, "", p.modified, bytes.NewReader(p.content))
}
