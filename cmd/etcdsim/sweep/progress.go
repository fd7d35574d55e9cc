package sweep

import (
	"fmt"
	"io"
	"time"

	"etcdsim/sim"
)

// Progress tells how far a sweep is: on a terminal in one line that is written
// over again, elsewhere in a plain line now and then. It tells of real time, and
// so belongs to standard error. It is not for concurrent use.
type Progress struct {
	w        io.Writer
	terminal bool
	total    uint64
	began    time.Time
	told     time.Time
	// before are runs of an earlier sweep that this one goes on with.
	before uint64
	shown  bool
}

// How often progress is told.
const (
	everyLine   = 10 * time.Second
	everyRedraw = 150 * time.Millisecond
)

// clearLine goes to the beginning of the line and empties it.
const clearLine = "\r\x1b[K"

// NewProgress begins to count. The total is that of the list, 0 if it has no
// end; before are the runs that have been made already.
func NewProgress(w io.Writer, terminal bool, total, before uint64) *Progress {
	now := time.Now()
	return &Progress{w: w, terminal: terminal, total: total, began: now, told: now, before: before}
}

// Tell tells how things stand, if it is time to.
func (p *Progress) Tell(t *Tally) {
	now := time.Now()
	every := everyLine
	if p.terminal {
		every = everyRedraw
	}
	if now.Sub(p.told) < every {
		return
	}
	p.told = now
	line := p.line(t, now.Sub(p.began))
	if p.terminal {
		fmt.Fprint(p.w, clearLine+line)
		p.shown = true
		return
	}
	fmt.Fprintln(p.w, line)
}

// Clear makes room for other lines.
func (p *Progress) Clear() {
	if p.shown {
		fmt.Fprint(p.w, clearLine)
		p.shown = false
	}
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
