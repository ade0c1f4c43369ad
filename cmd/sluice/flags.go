package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// errHelp says that help was asked for and given.
var errHelp = flag.ErrHelp

// flagSet is a command's flags. Flags and arguments may stand in any order.
type flagSet struct {
	*flag.FlagSet
	// usage is the help's text before the flags, examples what stands behind them.
	usage, examples string
}

func newFlagSet(name, usage, examples string) *flagSet {
	f := &flagSet{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), usage: usage, examples: examples}
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// parse reads a command line and returns what is not a flag. Help is written to stdout.
func (f *flagSet) parse(s streams, args []string) ([]string, error) {
	var arguments []string
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				f.help(s.stdout)
				return nil, errHelp
			}
			return nil, &usageError{f.Name(), twoDashes(err)}
		}
		rest := f.Args()
		if len(rest) == 0 {
			return arguments, nil
		}
		if len(rest) < len(args) && args[len(args)-len(rest)-1] == "--" {
			return append(arguments, rest...), nil
		}
		arguments, args = append(arguments, rest[0]), rest[1:]
	}
}

// flagInError finds a flag's name in what package flag says of it, with one dash.
var flagInError = regexp.MustCompile(`^((?:flag provided but not defined: |flag needs an argument: |invalid (?:boolean )?value ".*" for (?:flag )?)-)(\w[\w-]+(?::|$))`)

// twoDashes writes a flag in an error of package flag as the help does.
func twoDashes(err error) error {
	return errors.New(flagInError.ReplaceAllString(err.Error(), "$1-$2"))
}

// helpIndent begins the second and further lines of a flag's text.
const helpIndent = "                           "

func (f *flagSet) help(w io.Writer) {
	fmt.Fprintf(w, "%s\n\nFlags:\n", strings.TrimSpace(f.usage))
	f.VisitAll(func(fl *flag.Flag) {
		value, text := flag.UnquoteUsage(fl)
		dashes := "--"
		if len(fl.Name) == 1 {
			dashes = "-"
		}
		fmt.Fprintf(w, "  %-24s %s", strings.TrimSpace(dashes+fl.Name+" "+value), text)
		if fl.DefValue != "" && fl.DefValue != "0" && fl.DefValue != "false" {
			fmt.Fprintf(w, " (default %s)", fl.DefValue)
		}
		fmt.Fprintln(w)
	})
	fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(f.examples))
}

// byteSize is a flag with a number of bytes: 268435456, 256MiB, 1GiB.
type byteSize uint64

func (b *byteSize) String() string {
	switch n := uint64(*b); {
	case n == 0:
		return ""
	case n%(1<<30) == 0:
		return strconv.FormatUint(n>>30, 10) + "GiB"
	case n%(1<<20) == 0:
		return strconv.FormatUint(n>>20, 10) + "MiB"
	default:
		return strconv.FormatUint(n, 10)
	}
}

func (b *byteSize) Set(text string) error {
	number, shift := text, 0
	for suffix, bits := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			number, shift = rest, bits
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 || n > 1<<40>>shift {
		return errors.New("want a size as in 256MiB or 1GiB")
	}
	*b = byteSize(n << shift)
	return nil
}

// duration is a flag with a time that is not negative: 500ms, 1s; 0 without a unit.
type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Set(text string) error {
	v, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return errors.New("want a time with its unit, as in 1s or 500ms")
	case v < 0:
		return errors.New("want a time that is not negative, as in 1s or 500ms")
	}
	*d = duration(v)
	return nil
}

// failurePolicy is a flag with what becomes of requests when the plugin is dead.
type failurePolicy pluginhost.FailurePolicy

// failurePolicies are the policies' names, each at its value.
var failurePolicies = []string{
	pluginhost.FailClosed: "closed",
	pluginhost.FailOpen:   "open",
	pluginhost.FailReload: "reload",
}

func (p *failurePolicy) String() string { return failurePolicies[*p] }

func (p *failurePolicy) Set(text string) error {
	for i, name := range failurePolicies {
		if text == name {
			*p = failurePolicy(i)
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(failurePolicies, ", "))
}

// logLevel is a flag with the lowest level that is written.
type logLevel abi.LogLevel

var logLevels = []string{"trace", "debug", "info", "warn", "error", "critical"}

func (l *logLevel) String() string {
	if int(*l) < len(logLevels) {
		return logLevels[*l]
	}
	return ""
}

func (l *logLevel) Set(text string) error {
	for i, name := range logLevels {
		if strings.EqualFold(text, name) || strings.EqualFold(text, "warning") && name == "warn" {
			*l = logLevel(i)
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(logLevels, ", "))
}
