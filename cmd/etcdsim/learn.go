package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios/learn"
	"etcdsim/scenarios/report"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim/spelling"
)

func learnCommand() *cli.Command {
	return &cli.Command{
		Name:      "learn",
		Usage:     "lessons on raft and etcd, each on a run of the real library",
		ArgsUsage: "[LESSON|next]",
		Description: "Without a lesson, lists them. A lesson stops at the moments that matter and asks; answers are lines of the\n" +
			"standard input. \"q\" ends it. Which lessons were taken, and how well, is kept in a file.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "progress", Usage: "keep the progress in `FILE` instead of the configuration folder"},
			&cli.StringFlag{Name: "page", Usage: "write the lesson as a page for a browser: `FILE`.html"},
		},
		Action: learnAction,
	}
}

func learnAction(c *cli.Context) error {
	if c.NArg() > 1 {
		return usage("learn: %d arguments: expected one lesson, or none", c.NArg())
	}
	file, err := progressFile(c)
	if err != nil {
		return usage("learn: %w", err)
	}
	taken, err := readProgress(file)
	if err != nil {
		return usage("learn: %w", err)
	}
	name := c.Args().First()
	if name == "" {
		listLessons(c.App.Writer, taken)
		return nil
	}
	lesson := learn.Lookup(name)
	if name == "next" {
		lesson = taken.Next()
	}
	if lesson == nil {
		return usage("learn: unknown lesson %q%s: expected next, or one that etcdsim learn lists", name, spelling.DidYouMean(name, lessonNames()))
	}
	course, err := lesson.Give()
	if err != nil {
		return &exit{exitInternal, err}
	}
	if to := c.String("page"); to != "" {
		err := writeTo(nil, to, func(w io.Writer) error { return page.WriteLesson(w, course) })
		if err != nil {
			return unwritten("the page", err)
		}
		fmt.Fprintf(c.App.ErrWriter, "see %s\n", to)
		return nil
	}
	p := pupil{in: bufio.NewScanner(c.App.Reader), out: c.App.Writer, style: style(c.App.Writer)}
	got, finished := p.take(course)
	if !finished {
		fmt.Fprintf(p.out, "\nstopped; go on with  etcdsim learn %s\n", lesson.Name)
		return nil
	}
	if err := took(file, lesson.Name, got); err != nil {
		return unwritten("the progress", err)
	}
	if taken, err = readProgress(file); err != nil {
		return usage("learn: %w", err)
	}
	fmt.Fprintf(p.out, "\n%d of %d right. See it again: etcdsim run %s --seed %d%s --report lesson.html\n", got.Right, got.Of,
		lesson.Scenario, course.Seed, withBugs(course))
	if next := taken.Next(); next != nil {
		fmt.Fprintf(p.out, "Next: etcdsim learn %s  (%s)\n", next.Name, next.Title)
	}
	return nil
}

func withBugs(c *learn.Course) string {
	if c.Lesson.Bugs == 0 {
		return ""
	}
	return " --bug " + c.Lesson.Bugs.String()
}

func lessonNames() []string {
	var names []string
	for i := range learn.Lessons {
		names = append(names, learn.Lessons[i].Name)
	}
	return names
}

func listLessons(w io.Writer, taken learn.Progress) {
	for i := range learn.Lessons {
		l := &learn.Lessons[i]
		mark, result := " ", ""
		if s, ok := taken[l.Name]; ok {
			mark, result = "✓", fmt.Sprintf("  %d of %d right", s.Right, s.Of)
		}
		fmt.Fprintf(w, "%s %2d. %-16s %s%s\n", mark, i+1, l.Name, l.Title, result)
	}
	fmt.Fprintln(w, "\netcdsim learn NAME begins a lesson, etcdsim learn next the first that was not taken.")
}

// pupil takes a course on a terminal.
type pupil struct {
	in    *bufio.Scanner
	out   io.Writer
	style report.Style
}

// take goes through a course; it is not finished if the input ended.
func (p *pupil) take(c *learn.Course) (s learn.Score, finished bool) {
	fmt.Fprintf(p.out, "%s\n%s; scenario %s, seed %d%s\n", p.style.Bold(c.Lesson.Title), c.Lesson.Source, c.Lesson.Scenario, c.Seed,
		withBugs(c))
	fmt.Fprintln(p.out, `Below, each column is an entry, each number its term; "?" is not on disk yet.`)
	for i, card := range c.Cards {
		if i == 0 || card.At != c.Cards[i-1].At {
			fmt.Fprintf(p.out, "\n%s\n%s", p.style.Bold("at "+card.At.String()), c.Table(card.At))
		}
		fmt.Fprintln(p.out)
		for _, text := range card.Texts {
			fmt.Fprintln(p.out, paragraph(text))
		}
		if card.Question == nil {
			continue
		}
		right, ok := p.ask(card.Question)
		if !ok {
			return s, false
		}
		s.Of++
		if right {
			s.Right++
		}
	}
	return s, true
}

// ask asks until there is an answer.
func (p *pupil) ask(q *learn.Question) (right, answered bool) {
	fmt.Fprintf(p.out, "\n%s\n", p.style.Bold(paragraph("Question: "+q.Text)))
	for i, o := range q.Options {
		fmt.Fprintf(p.out, "  %d. %s\n", i+1, o)
	}
	for {
		fmt.Fprintf(p.out, "(%s) > ", q.Expected)
		if !p.in.Scan() || strings.TrimSpace(p.in.Text()) == "q" {
			return false, false
		}
		right, err := q.Mark(p.in.Text())
		if err != nil {
			fmt.Fprintf(p.out, "%v\n", err)
			continue
		}
		answer := q.Right
		if q.Options != nil {
			answer += " (" + q.Options[int(q.Right[0]-'1')] + ")"
		}
		if right {
			fmt.Fprintf(p.out, "%s\n", p.style.Good("✓ Right: "+answer+"."))
		} else {
			fmt.Fprintf(p.out, "%s\n", p.style.Bad("✗ No: "+answer+"."))
		}
		fmt.Fprintln(p.out, paragraph(q.Why))
		return right, true
	}
}

// paragraph breaks a text into lines.
func paragraph(text string) string { return strings.Join(wrap(text, textWidth), "\n") }
