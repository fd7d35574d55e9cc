package sweep

import (
	"fmt"
	"io"
	"time"

	"etcdsim/sim"
)

// Line tells of progress now and then: on a terminal in one line that is written
// over again, elsewhere in plain lines. It tells of real time, and so belongs to
// standard error. It is not for concurrent use.
type Line struct {
	w        io.Writer
	terminal bool
	told     time.Time
	shown    bool
}

// How often progress is told.
const (
	everyLine   = 10 * time.Second
	everyRedraw = 150 * time.Millisecond
)

// clearLine goes to the beginning of the line and empties it.
const clearLine = "\r\x1b[K"

// NewLine returns a line on a terminal, or elsewhere.
func NewLine(w io.Writer, terminal bool) *Line {
	return &Line{w: w, terminal: terminal, told: time.Now()}
}

// Tell tells how things stand, if it is time to.
func (l *Line) Tell(how func() string) {
	now := time.Now()
	every := everyLine
	if l.terminal {
		every = everyRedraw
	}
	if now.Sub(l.told) < every {
		return
	}
	l.told = now
	if l.terminal {
		fmt.Fprint(l.w, clearLine+how())
		l.shown = true
		return
	}
	fmt.Fprintln(l.w, how())
}

// Clear makes room for other lines.
func (l *Line) Clear() {
	if l.shown {
		fmt.Fprint(l.w, clearLine)
		l.shown = false
	}
}

// Progress tells how far a sweep is.
type Progress struct {
	*Line
	total uint64
	began time.Time
	// before are runs of an earlier sweep that this one goes on with.
	before uint64
}

// NewProgress begins to count. The total is that of the list, 0 if it has no
// end; before are the runs that have been made already.
func NewProgress(w io.Writer, terminal bool, total, before uint64) *Progress {
	return &Progress{Line: NewLine(w, terminal), total: total, began: time.Now(), before: before}
}

// Tell tells how things stand, if it is time to.
func (p *Progress) Tell(t *Tally) {
	p.Line.Tell(func() string { return p.line(t, time.Since(p.began)) })
}

// Done tells what it came to.
func (p *Progress) Done(t *Tally, jobs int) {
	p.Clear()
	took := time.Since(p.began)
	fmt.Fprintf(p.w, "%s in %s on %s: %s runs/s\n",
		plural(t.Runs-p.before, "run"), took.Round(10*time.Millisecond), plural(uint64(jobs), "processor"), perSecond(t.Runs-p.before, took))
}

// line fits on a terminal of 80 columns.
func (p *Progress) line(t *Tally, took time.Duration) string {
	head := fmt.Sprintf("%d runs", t.Runs)
	if p.total > 0 {
		head = fmt.Sprintf("%d/%d %d%%", t.Runs, p.total, t.Runs*100/p.total)
	}
	line := fmt.Sprintf("%s  %s/s  %s sim  %s faults  %d/%d rare  %d failed",
		head, perSecond(t.Runs-p.before, took), hours(t.Elapsed), brief(t.Faults), len(t.Hits)-len(t.Never()), len(t.Hits), t.Failed())
	if made := t.Runs - p.before; p.total > 0 && made > 0 {
		line += "  " + brevity(took*time.Duration(p.total-t.Runs)/time.Duration(made)) + " to go"
	}
	return line
}

// perSecond prints a rate with two significant digits or more.
func perSecond(n uint64, took time.Duration) string {
	tenths := n * 10 * uint64(time.Second) / uint64(max(took, time.Millisecond))
	if tenths < 100 {
		return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
	}
	return fmt.Sprint(tenths / 10)
}

// hours prints virtual time in the largest unit that fits.
func hours(t sim.Time) string {
	s := uint64(t) / 1e9
	switch {
	case s < 600:
		return fmt.Sprintf("%ds", s)
	case s < 36_000:
		return fmt.Sprintf("%dmin", s/60)
	}
	return fmt.Sprintf("%dh", s/3600)
}

// brief prints a count in few characters.
func brief(n uint64) string {
	switch {
	case n < 10_000:
		return fmt.Sprint(n)
	case n < 10_000_000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprintf("%dM", n/1_000_000)
}

// brevity prints a duration without its smallest parts.
func brevity(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%dmin", d.Round(time.Minute)/time.Minute)
}
