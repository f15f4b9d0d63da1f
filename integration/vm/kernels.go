package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A store keeps kernels outside the repository, in a directory for each machine.
type store struct{ dir string }

func openStore() (store, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return store{}, err
	}
	return store{filepath.Join(cache, "stagelock-vm")}, nil
}

// kernel returns the file of a machine's kernel; os.ErrNotExist means that it has not been fetched.
func (s store) kernel(m machine) (string, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, filepath.FromSlash(m.name()), "vmlinu*"))
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", fmt.Errorf("no kernel for %s: `vm fetch` gets it: %w", m.name(), os.ErrNotExist)
	}
	return files[len(files)-1], nil
}

// busybox returns the file with a machine's usual programs.
func (s store) busybox(m machine) string {
	return filepath.Join(s.dir, filepath.FromSlash(m.name()), "busybox")
}

// fetch gets a machine's kernel and busybox from Debian, by apt with lists and settings of its own: the system's stay as they are.
func (s store) fetch(m machine, limit time.Duration) error {
	if m.suite == host {
		return nil
	}
	if _, err := s.kernel(m); err == nil {
		if _, err := os.Stat(s.busybox(m)); err == nil {
			return nil
		}
	}
	dir := filepath.Join(s.dir, filepath.FromSlash(m.name()))
	a, err := newApt(filepath.Join(dir, "apt"), m, time.Now().Add(limit))
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.dir)
	if _, err := a.run("apt-get", "update", "-qq"); err != nil {
		return err
	}
	if found, err := a.take("busybox-static", dir, "busybox", "busybox"); err != nil || !found {
		return fmt.Errorf("busybox, which plays the system's programs: found %t, %w", found, err)
	}
	// The metapackage depends on a package with the version in its name, and that may depend on one with the image.
	for todo, done := []string{m.pkg}, []string{}; len(todo) > 0; {
		pkg := todo[0]
		todo, done = todo[1:], append(done, pkg)
		if pkg != m.pkg {
			found, err := a.image(pkg, dir)
			if err != nil || found {
				return err
			}
		}
		depends, err := a.depends(pkg)
		if err != nil {
			return err
		}
		for _, d := range depends {
			if !slices.Contains(done, d) && !slices.Contains(todo, d) {
				todo = append(todo, d)
			}
		}
	}
	return fmt.Errorf("%s of %s for %s leads to no kernel", m.pkg, m.suite, m.arch)
}

// An apt is Debian's package manager, told to work for another architecture or suite in a directory of its own.
type apt struct {
	dir     string
	flags   []string
	expires time.Time
}

func newApt(dir string, m machine, expires time.Time) (*apt, error) {
	for _, d := range []string{"lists/partial", "archives/partial", "parts"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	from, err := mirror()
	if err != nil {
		return nil, err
	}
	var sources strings.Builder
	base, _ := strings.CutSuffix(m.suite, "-backports") // which has some packages, and leaves the others to this
	for _, suite := range slices.Compact([]string{m.suite, base}) {
		fmt.Fprintf(&sources, "deb [arch=%s] %s %s main\n", hardwares[m.arch].debian, from, suite)
	}
	if err := os.WriteFile(filepath.Join(dir, "sources.list"), []byte(sources.String()), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "status"), nil, 0o644); err != nil {
		return nil, err
	}
	a := &apt{dir: dir, expires: expires}
	for _, option := range []string{
		"APT::Architecture=" + hardwares[m.arch].debian, "APT::Architectures=" + hardwares[m.arch].debian,
		"Dir::State::Lists=" + dir + "/lists", "Dir::State::status=" + dir + "/status", "Dir::Cache=" + dir,
		"Dir::Cache::Archives=" + dir + "/archives", "Dir::Etc::SourceList=" + dir + "/sources.list",
		"Dir::Etc::SourceParts=" + dir + "/parts", "APT::Sandbox::User=root", "APT::Default-Release=" + m.suite, "Acquire::Languages=none",
		"Acquire::http::Timeout=20", "Acquire::Retries=2", "APT::Get::List-Cleanup=0",
	} {
		a.flags = append(a.flags, "-o", option)
	}
	return a, nil
}

// mirror returns where this machine gets Debian's packages from: there are other suites and architectures, too.
func mirror() (string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for _, uri := range strings.Fields(string(out)) {
		if uri = strings.TrimSuffix(uri, "/"); strings.HasSuffix(uri, "/debian") {
			return uri, nil
		}
	}
	return "", errors.New("apt's sources on this machine name no mirror of Debian: …/debian")
}

// run runs a program of apt's, with a limit on its time.
func (a *apt) run(name string, args ...string) (string, error) {
	left := time.Until(a.expires)
	if left <= 0 {
		return "", errors.New("the time for fetching is over")
	}
	args = append([]string{fmt.Sprintf("%ds", 1+int(left.Seconds())), name}, append(slices.Clone(a.flags), args...)...)
	cmd := exec.Command("timeout", args...)
	cmd.Dir = filepath.Join(a.dir, "archives")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return string(out), nil
}

var kernelPackage = regexp.MustCompile(`^\s*\|?Depends: (linux-(?:image|binary)-[^\s<>:]+)`)

// depends returns the packages with kernels that one depends on.
func (a *apt) depends(pkg string) (names []string, err error) {
	out, err := a.run("apt-cache", "depends", pkg)
	for _, line := range strings.Split(out, "\n") {
		if m := kernelPackage.FindStringSubmatch(line); m != nil {
			names = append(names, m[1])
		}
	}
	return names, err
}

// image takes the kernel out of a package, if it has one, and puts it into dir.
func (a *apt) image(pkg, dir string) (found bool, err error) {
	// boot/vmlinuz-VERSION; in sid usr/lib/modules/VERSION/vmlinuz.
	return a.take(pkg, dir, "vmlinu*", "")
}

// take takes a file out of a package, if it has one whose name fits, and puts it into dir, by another name if one is given.
func (a *apt) take(pkg, dir, pattern, name string) (found bool, err error) {
	if _, err := a.run("apt-get", "download", "-qq", pkg); err != nil {
		return false, err
	}
	files, err := filepath.Glob(filepath.Join(a.dir, "archives", pkg+"_*.deb"))
	if err != nil || len(files) != 1 {
		return false, fmt.Errorf("%s was downloaded as %d files: %v", pkg, len(files), err)
	}
	cmd := exec.Command("dpkg-deb", "--fsys-tarfile", files[0])
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for r := tar.NewReader(out); ; {
		h, err := r.Next()
		if err == io.EOF {
			return false, nil
		} else if err != nil {
			return false, err
		}
		in, base := path.Split(h.Name)
		if fits, _ := path.Match(path.Base(pattern), base); !fits || h.Typeflag != tar.TypeReg {
			continue
		}
		as := name
		if as == "" {
			if as = base; path.Base(in) != "boot" {
				as += "-" + path.Base(in)
			}
		}
		// Whole, or not at all.
		partial := filepath.Join(a.dir, as)
		f, err := os.Create(partial)
		if err != nil {
			return false, err
		}
		_, err = io.Copy(f, r)
		if err := errors.Join(err, f.Close()); err != nil {
			return false, err
		}
		return true, os.Rename(partial, filepath.Join(dir, as))
	}
}
