package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"etcdsim/sim/spelling"
)

// permute lets flags stand before, between and after arguments. urfave/cli v2
// stops looking for flags at the first argument: "run leader-kill --seed 7"
// would silently run seed 0. So flags move to the front, "--" after them, and
// then arguments. What is wrong with the command or a flag's name is told here,
// with what was probably meant.
func permute(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	name := args[0]
	switch name {
	case "-h", "--help", "help":
		return helpFor(app, args[1:])
	case "-v", "--version":
		return []string{"version"}, nil
	}
	if strings.HasPrefix(name, "-") {
		return nil, usage("unknown flag %s: expected a command first: %s", name, strings.Join(commandNames(app), ", "))
	}
	command := app.Command(name)
	if command == nil {
		return nil, unknownCommand(app, name)
	}
	if command.SkipFlagParsing {
		return args, nil
	}
	flags, rest, err := separate(command, args[1:])
	if err != nil {
		return nil, err
	}
	permuted := append([]string{command.Name}, flags...)
	return append(append(permuted, "--"), rest...), nil
}

// helpFor turns "help run" into "run --help".
func helpFor(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return []string{"--help"}, nil
	}
	if app.Command(args[0]) == nil {
		return nil, unknownCommand(app, args[0])
	}
	return []string{args[0], "--help"}, nil
}

func unknownCommand(app *cli.App, name string) error {
	names := commandNames(app)
	return usage("unknown command %q%s: expected %s", name, spelling.DidYouMean(name, names), strings.Join(names, ", "))
}

func commandNames(app *cli.App) []string {
	names := make([]string, len(app.Commands))
	for i, c := range app.Commands {
		names[i] = c.Name
	}
	return names
}

// separate divides what follows a command into flags with their values, and
// arguments. After "--" everything is an argument, and so is a lone "-".
func separate(command *cli.Command, args []string) (flags, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return flags, append(rest, args[i+1:]...), nil
		case len(arg) < 2 || arg[0] != '-':
			rest = append(rest, arg)
			continue
		}
		name, value, valued := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name == "help" || name == "h" {
			return []string{"--help"}, nil, nil
		}
		flag := flagNamed(command, name)
		if flag == nil {
			return nil, nil, usage("%s: unknown flag %s%s: expected %s", command.Name, arg,
				spelling.DidYouMean(name, flagNames(command)), cmp.Or(strings.Join(flagNames(command), ", "), "none"))
		}
		flags = append(flags, arg)
		if _, isBool := flag.(*cli.BoolFlag); isBool {
			if valued && value != "true" && value != "false" {
				return nil, nil, usage("%s: --%s: %q: expected true or false", command.Name, name, value)
			}
			continue
		}
		if valued {
			continue
		}
		if i+1 == len(args) {
			return nil, nil, usage("%s: %s: expected a value after it", command.Name, arg)
		}
		i++
		flags = append(flags, args[i])
	}
	return flags, rest, nil
}

func flagNamed(command *cli.Command, name string) cli.Flag {
	for _, f := range command.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// flagNames returns the long names of the flags.
func flagNames(command *cli.Command) []string {
	var names []string
	for _, f := range command.Flags {
		if f != cli.HelpFlag {
			names = append(names, "--"+f.Names()[0])
		}
	}
	return names
}
