package published

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, p *Page) (*os.File, int64) {
	t.Helper()
	f, err := os.Open("/proc/self/fd/" + strconv.Itoa(p.fd))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return f, info.Size()
}

func newPage(t *testing.T, room int) *Page {
	t.Helper()
	p, err := New(room)
	if err != nil {
		var u unix.Utsname
		unix.Uname(&u)
		if v := unix.ByteSliceToString(u.Release[:]); strings.HasPrefix(v, "4.") || strings.HasPrefix(v, "5.0") {
			t.Skip("F_SEAL_FUTURE_WRITE needs Linux 5.1: ", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestPage(t *testing.T) {
	p := newPage(t, 5000)
	if p.Room() < 5000 {
		t.Errorf("there is room for %d bytes", p.Room())
	}
	f, size := open(t, p)
	if _, err := Read(f, size); err != ErrEmpty {
		t.Errorf("before the first Put: %v", err)
	}
	for i := range 5 {
		text := strings.Repeat(strconv.Itoa(i), 1000*(5-i)) // each is shorter than the one before
		p.Put([]byte(text))
		if got, err := Read(f, size); err != nil || string(got) != text {
			t.Fatalf("Put %d: read %d bytes, %.10q, %v", i, len(got), got, err)
		}
	}
	p.Put(bytes.Repeat([]byte("x"), 1<<20))
	if got, err := Read(f, size); err != nil || len(got) != p.Room() {
		t.Errorf("more than there is room for: %d bytes, %v", len(got), err)
	}
	if sealed, err := Sealed(p.fd); !sealed || err != nil {
		t.Errorf("sealed: %v, %v", sealed, err)
	}
	if flags, err := unix.FcntlInt(uintptr(p.fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x, %v: it is not closed on exec", flags, err)
	}
}

// A file with fewer seals, or none, is not taken for one.
func TestSealed(t *testing.T) {
	fd, err := unix.MemfdCreate(Name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, seal := range []int{0, unix.F_SEAL_GROW, unix.F_SEAL_SHRINK, unix.F_SEAL_SEAL} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seal); err != nil {
			t.Fatal(err)
		}
		if sealed, err := Sealed(fd); sealed || err != nil {
			t.Errorf("with %#x: %v, %v", seal, sealed, err)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if sealed, err := Sealed(int(r.Fd())); sealed || err != nil {
		t.Errorf("a pipe: %v, %v", sealed, err)
	}
}

// A reader beside a writer that never rests sees whole texts only, and later ones later.
func TestReadIsNeverTorn(t *testing.T) {
	p := newPage(t, 20_000)
	f, size := open(t, p)
	begun, stop, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 1; ; i++ {
			if i == 2 {
				close(begun)
			}
			p.Put([]byte(strings.Repeat(fmt.Sprintf("%08d\n", i), 100+i%1500)))
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	<-begun
	read, last := 0, 0
	for i := range 2000 {
		if i%50 == 0 {
			runtime.Gosched() // with one processor nothing is written meanwhile
		}
		text, err := Read(f, size)
		if errors.Is(err, ErrBusy) || errors.Is(err, ErrEmpty) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(string(text[:8]))
		if err != nil || n < last || string(text) != strings.Repeat(fmt.Sprintf("%08d\n", n), 100+n%1500) {
			t.Fatalf("after %d a torn text of %d bytes, %.20q", last, len(text), text)
		}
		read, last = read+1, n
	}
	close(stop)
	<-done
	if read == 0 {
		t.Error("nothing could be read")
	}
	t.Logf("%d of 2000 readings, %d writings", read, last)
}

func TestGenerationsWrap(t *testing.T) {
	g := 0
	for range lastGeneration + 10 {
		next := after(g)
		if next%2 == g%2 || next <= 0 || next > lastGeneration {
			t.Fatalf("after %d comes %d", g, next)
		}
		g = next
	}
}

func TestReadGarbage(t *testing.T) {
	good := magic + " 000002\n"
	for name, text := range map[string]string{
		"empty":           "",
		"short":           magic,
		"another version": strings.Replace(good, " 1 ", " 2 ", 1) + "texttext",
		"no number":       magic + " 00000x\n" + "texttext",
		"no newline":      magic + " 000002 " + "texttext",
	} {
		if _, err := Read(strings.NewReader(text), int64(len(text))); err != ErrFormat {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(strings.NewReader(good), 1<<40); err != ErrFormat {
		t.Error("a file of a terabyte: ", err)
	}
	if _, err := Read(strings.NewReader(good+"text"), 4096); err != ErrFormat {
		t.Error("a file that ends early: ", err)
	}
	if text, err := Read(strings.NewReader(good+"text\x00\x00\x00\x00"), 32); err != nil || string(text) != "text" {
		t.Errorf("a good one: %q, %v", text, err)
	}
	var always changing
	if _, err := Read(&always, 4096); err != ErrBusy {
		t.Error("a file that always changes: ", err)
	}
}

// changing is a file with another generation each time.
type changing int

func (c *changing) ReadAt(b []byte, at int64) (int, error) {
	*c++
	n := copy(b, fmt.Sprintf("%s %06d\n", magic, *c))
	clear(b[n:])
	return len(b), nil
}

var _ io.ReaderAt = (*changing)(nil)

// What a lock pays for being seen.
func BenchmarkNew(b *testing.B) {
	for range b.N {
		p, err := New(14_000)
		if err != nil {
			b.Fatal(err)
		}
		p.Close()
	}
}

func BenchmarkPut(b *testing.B) {
	p, err := New(30_000)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	text := bytes.Repeat([]byte("text"), 1000)
	b.ReportAllocs()
	for range b.N {
		p.Put(text)
	}
}
