// Command sluice runs gateway plugins: a plugin's source or module behind a listener of its own while it is developed,
// or whole gateways from Envoy's configuration.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// streams are where a command writes. Access log lines go to stdout; everything else that is said, to stderr.
type streams struct{ stdout, stderr io.Writer }

// command is one verb of the tool.
type command struct {
	name string
	// short is its line in the list of commands.
	short string
	run   func(s streams, args []string) error
}

func commands() []command {
	return []command{
		{"run", "run a plugin, or a gateway from an Envoy configuration", runCommand},
		{"migrate", "move a plugin from the published Higress SDK to Sluice", migrateCommand},
		{"version", "print the version", versionCommand},
	}
}

// usageError is a mistake in the command line.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }

// errReported ends a command that has said on stderr what went wrong.
var errReported = errors.New("")

func main() {
	os.Exit(execute(streams{os.Stdout, os.Stderr}, os.Args[1:]))
}

// execute runs a command line and returns its exit code.
func execute(s streams, args []string) int {
	err := dispatch(s, args)
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return exitOK
	case errors.As(err, &usage):
		help := strings.TrimSpace("sluice " + usage.command)
		fmt.Fprintf(s.stderr, "%s: %v\nTry: %s --help\n", help, err, help)
		return exitUsage
	case !errors.Is(err, errReported):
		fmt.Fprintf(s.stderr, "sluice: %v\n", err)
	}
	return exitFailure
}

func dispatch(s streams, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(s.stderr, mainHelp())
		return &usageError{err: errors.New("no command")}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 && args[0] == "help" {
			return dispatch(s, []string{args[1], "--help"})
		}
		fmt.Fprint(s.stdout, mainHelp())
		return nil
	case "-version", "--version":
		return versionCommand(s, nil)
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(s, args[1:])
		}
	}
	return &usageError{err: fmt.Errorf("there is no command %q", args[0])}
}

func mainHelp() string {
	var b strings.Builder
	b.WriteString(`sluice runs proxy-wasm plugins in a gateway that reads Envoy's own configuration.

Usage:
  sluice <command> [arguments]

Commands:
`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.short)
	}
	b.WriteString(`
Examples:
  sluice run ./examples/hello         build a plugin and serve it on 127.0.0.1:10000
  sluice run -c envoy.yaml            serve an Envoy bootstrap configuration
  sluice run --help                   more about a command

Exit codes: 0 all went well, 1 something failed, 2 the command line is wrong.
`)
	return b.String()
}
