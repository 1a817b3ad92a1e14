package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress tells how far a long command is: a bar that is drawn over and over
// on a terminal, else a plain line every few seconds. It is no log: it holds
// counts only.
type progress struct {
	w        io.Writer
	now      func() time.Time
	terminal bool

	began, told time.Time
	// first is where the work began, when a part was there already.
	firstShare float64
	firstCount int
	drawn      bool
}

const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 30
)

func newProgress(w io.Writer, now func() time.Time) *progress {
	at := now()
	return &progress{w: w, now: now, terminal: isTerminal(w), began: at, told: at}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// start says where the work begins: share of the whole, from 0 to 1, and count.
func (p *progress) start(share float64, count int) { p.firstShare, p.firstCount = share, count }

// at says where the work is. A share below 0 is one that nobody knows.
func (p *progress) at(share float64, count int) {
	every := lineEvery
	if p.terminal {
		every = barEvery
	}
	now := p.now()
	if now.Sub(p.told) < every {
		return
	}
	p.told = now
	p.tell(share, count, now)
}

// end leaves the bar's last state standing.
func (p *progress) end(share float64, count int) {
	if p.drawn {
		p.tell(share, count, p.now())
		_, _ = io.WriteString(p.w, "\n")
	}
}

func (p *progress) tell(share float64, count int, now time.Time) {
	took := now.Sub(p.began)
	words := fmt.Sprintf("%s learners", grouped(count))
	if seconds := took.Seconds(); seconds > 0 {
		words += fmt.Sprintf(", %s a second", grouped(int(float64(count-p.firstCount)/seconds)))
	}
	if share >= 0 {
		words = fmt.Sprintf("%3.0f %%, %s", 100*share, words)
	}
	if done := share - p.firstShare; done > 0 && share < 1 {
		words += ", " + time.Duration(float64(took)/done*(1-share)).Round(time.Second).String() + " left"
	}
	if !p.terminal {
		_, _ = io.WriteString(p.w, words+"\n")
		return
	}
	full := max(0, min(barWidth, int(share*barWidth)))
	_, _ = fmt.Fprintf(p.w, "\r[%s%s] %s\x1b[K", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), words)
	p.drawn = true
}

// grouped writes n with commas.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
