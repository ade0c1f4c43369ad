package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

const versionUsage = `
sluice version prints the version, and what it was built with.

Usage:
  sluice version
`

func versionCommand(s streams, args []string) error {
	if len(args) > 0 {
		for _, a := range args {
			if a == "-h" || a == "-help" || a == "--help" {
				fmt.Fprint(s.stdout, versionUsage[1:])
				return errHelp
			}
		}
		return &usageError{"version", fmt.Errorf("there is nothing to say about %q", args[0])}
	}
	fmt.Fprintf(s.stdout, "sluice %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// version is the module's version where it was installed by one, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "", ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			revision = "-" + setting.Value[:min(12, len(setting.Value))]
		case "vcs.modified":
			if setting.Value == "true" {
				modified = "+dirty"
			}
		}
	}
	return "devel" + revision + modified
}
