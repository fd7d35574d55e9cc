package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim/spelling"
)

// Option is one setting of a configuration C in text form: what a scenario
// writes as "net drop=1%" and a command line as "--set net.drop=1%". A
// component declares its options once, in a table; parsing, printing and help
// are read off that table.
type Option[C any] struct {
	Name string
	// Syntax shows what a value looks like: "5ms..15ms".
	Syntax string
	// Doc is one line for the help text.
	Doc string
	// Set parses a value into the configuration, and says what it expected if it
	// cannot. Get prints the present value so that Set reads it back.
	Set func(c *C, value string) error
	Get func(c *C) string
}

// Options is the table of a component's options.
type Options[C any] struct {
	// Component is the prefix of the options' full names: "net" in "net.drop".
	Component string
	All       []Option[C]
}

// Setting is an option as the help shows it.
type Setting struct{ Name, Syntax, Default, Doc string }

// Set changes one option of c. The error names the option and says what was
// expected; c is then unchanged.
func (o Options[C]) Set(c *C, name, value string) error {
	for i := range o.All {
		if o.All[i].Name != name {
			continue
		}
		if err := o.All[i].Set(c, value); err != nil {
			return fmt.Errorf("%s.%s: %w", o.Component, name, err)
		}
		return nil
	}
	known := make([]string, len(o.All))
	for i := range o.All {
		known[i] = o.All[i].Name
	}
	return fmt.Errorf("%s.%s: unknown option%s: expected one of %s",
		o.Component, name, spelling.DidYouMean(name, known), strings.Join(known, ", "))
}

// Format prints every option of c as "name=value", in the table's order,
// separated by spaces.
func (o Options[C]) Format(c *C) string {
	var b strings.Builder
	for i := range o.All {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(o.All[i].Name + "=" + o.All[i].Get(c))
	}
	return b.String()
}

// Describe lists the options for the help, with their values in c as defaults.
func (o Options[C]) Describe(c *C) []Setting {
	settings := make([]Setting, len(o.All))
	for i, option := range o.All {
		settings[i] = Setting{option.Name, option.Syntax, option.Get(c), option.Doc}
	}
	return settings
}

// RatioOption is an option whose field is a probability.
func RatioOption[C any](name, doc string, field func(*C) *Ratio) Option[C] {
	return TextOption(name, "0.5%", doc, ParseRatio, field)
}

// RangeOption is an option whose field is a range of durations.
func RangeOption[C any](name, doc string, field func(*C) *Range) Option[C] {
	return TextOption(name, "5ms..15ms", doc, ParseRange, field)
}

// SizeOption is an option whose field is a number of bytes.
func SizeOption[C any](name, doc string, field func(*C) *Size) Option[C] {
	return TextOption(name, "64KiB", doc, ParseSize, field)
}

// TextOption is an option whose field prints itself as parse reads it. An error of parse
// says what it expected.
func TextOption[C any, V fmt.Stringer](name, syntax, doc string, parse func(string) (V, error), field func(*C) *V) Option[C] {
	return Option[C]{
		Name: name, Syntax: syntax, Doc: doc,
		Set: func(c *C, value string) error {
			v, err := parse(value)
			if err == nil {
				*field(c) = v
			}
			return err
		},
		Get: func(c *C) string { return (*field(c)).String() },
	}
}

// DurationOption is an option whose field is a positive duration.
func DurationOption[C any](name, doc string, field func(*C) *time.Duration) Option[C] {
	parse := func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return 0, fmt.Errorf("%q is not a duration: expected a positive number with a unit (such as 100ms)", s)
		}
		return d, nil
	}
	return TextOption(name, "100ms", doc, parse, field)
}

// CountOption is an option whose field is a whole number from low to high.
func CountOption[C any](name, doc string, low, high uint64, field func(*C) *uint64) Option[C] {
	return Option[C]{
		Name: name, Syntax: strconv.FormatUint(low, 10), Doc: doc,
		Set: func(c *C, value string) error {
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil || n < low || n > high {
				return fmt.Errorf("%q is not a count: expected a whole number from %d to %d", value, low, high)
			}
			*field(c) = n
			return nil
		},
		Get: func(c *C) string { return strconv.FormatUint(*field(c), 10) },
	}
}

// SwitchOption is an option whose field is on or off.
func SwitchOption[C any](name, doc string, field func(*C) *bool) Option[C] {
	return Option[C]{
		Name: name, Syntax: "on", Doc: doc,
		Set: func(c *C, value string) error {
			if value != "on" && value != "off" {
				return fmt.Errorf("%q is not a switch: expected on or off", value)
			}
			*field(c) = value == "on"
			return nil
		},
		Get: func(c *C) string {
			if *field(c) {
				return "on"
			}
			return "off"
		},
	}
}
