package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress shows the progress of a replay: a bar on a terminal, a line every five seconds
// elsewhere.
type progress struct {
	*terminal
	total int64 // bytes to read; 0: not known
	read  int64
	shown time.Time
	drawn bool
}

// reading returns a reader that counts what is read from r.
func (p *progress) reading(r io.Reader) io.Reader { return &countingReader{r, &p.read} }

type countingReader struct {
	io.Reader
	n *int64
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	*r.n += int64(n)
	return n, err
}

// rows is called with the number of rows so far.
func (p *progress) rows(n int) {
	now := time.Now()
	if p.shown.IsZero() {
		p.shown = now
	}
	onTerminal := canDraw(p.screen)
	if interval := now.Sub(p.shown); interval < 5*time.Second && (!onTerminal || interval < 100*time.Millisecond) {
		return
	}
	p.shown = now
	if !onTerminal {
		fmt.Fprintf(p.err, "%d rows%s\n", n, p.percent())
		return
	}
	p.drawn = true
	const width = 40
	filled := 0
	if p.total > 0 {
		filled = int(width * min(p.read, p.total) / p.total)
	}
	fmt.Fprintf(p.screen, "\r[%-*s]%s %d rows ", width, strings.Repeat("=", filled), p.percent(), n)
}

func (p *progress) percent() string {
	if p.total == 0 {
		return ""
	}
	return fmt.Sprintf(" %3d %%", 100*min(p.read, p.total)/p.total)
}

// end clears the bar.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprintf(p.screen, "\r%s\r", strings.Repeat(" ", 70))
	}
}

// terminalSize returns a function that reads the size of the terminal behind w, or nil if w cannot
// be drawn on. An unknown or implausibly small size counts as 80 by 24.
func terminalSize(w io.Writer) func() (width, height int) {
	f, ok := w.(*os.File)
	if !ok || !canDraw(w) {
		return nil
	}
	return func() (width, height int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width < 20 || height < 5 {
			return 80, 24
		}
		return width, height
	}
}

// canDraw reports whether w is a terminal on which the cursor can be moved.
func canDraw(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
