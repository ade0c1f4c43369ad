package conformance

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// Case is one case.
type Case struct {
	// Name is the file's name without its extension, Title its first line.
	Name, Title string
	// Scripts are the plugins' configurations, in the order of the filter chain.
	Scripts []string
	// Differs says why Sluice differs by choice, Difference how.
	Differs    string
	Difference []string

	sections map[string]string
	client   []step
	upstream []step
	backend  []step
}

// sectionNames are the sections that there are, beside scripts.
var sectionNames = []string{"plugin", "vm", "routes", "hcm", "listener", "cluster", "format", "upstream", "backend", "client", "ends", "differs"}

// ReadCase reads a case's file.
func ReadCase(file string) (*Case, error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return nil, err
	}
	c := &Case{Name: strings.TrimSuffix(filepath.Base(file), ".txtar"), sections: map[string]string{}}
	c.Title, _, _ = strings.Cut(strings.TrimSpace(string(archive.Comment)), "\n")
	if c.Title == "" {
		return nil, fmt.Errorf("%s: no title", file)
	}
	for _, f := range archive.Files {
		text := strings.NewReplacer("$NAME", c.Name, "$BACKEND", c.Name+"-backend").Replace(string(f.Data))
		if n, ok := strings.CutPrefix(f.Name, "script"); ok {
			if want := len(c.Scripts) + 1; n != "" && n != strconv.Itoa(want) || n == "" && want != 1 {
				return nil, fmt.Errorf("%s: section %s is out of order", file, f.Name)
			}
			c.Scripts = append(c.Scripts, text)
			continue
		}
		if !slices.Contains(sectionNames, f.Name) {
			return nil, fmt.Errorf("%s: there is no section %q", file, f.Name)
		}
		c.sections[f.Name] = text
	}
	for _, s := range []struct {
		name      string
		steps     *[]step
		otherwise string
	}{
		{"client", &c.client, "> send\nGET / HTTP/1.1\nHost: " + c.Name + "\n\n> read\n"},
		{"upstream", &c.upstream, "> read\n> send\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok"},
		{"backend", &c.backend, "> read\n> send\nHTTP/1.1 200 OK\nContent-Length: 7\n\nbackend"},
	} {
		text, ok := c.sections[s.name]
		if !ok {
			text = s.otherwise
		}
		if *s.steps, err = readSteps(text); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, s.name, err)
		}
	}
	if text, ok := c.sections["differs"]; ok {
		for line := range strings.Lines(text) {
			if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+") {
				c.Difference = append(c.Difference, line)
			} else {
				c.Differs = strings.TrimSpace(c.Differs + " " + line)
			}
		}
		if c.Differs == "" || len(c.Difference) == 0 {
			return nil, fmt.Errorf("%s: differs has no reason, or no lines", file)
		}
	}
	return c, nil
}

// ReadCases reads the cases of a folder, in the order of their names.
func ReadCases(dir string) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var cases []*Case
	for _, file := range files {
		c, err := ReadCase(file)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// step is something that a client or a server does: a verb with its words, and a text that it may have below it.
type step struct {
	verb string
	args []string
	text string
}

// readSteps reads a script: lines that begin with ">" are steps, the lines below them their text.
func readSteps(text string) ([]step, error) {
	var steps []step
	for line := range strings.Lines(text) {
		if verb, ok := strings.CutPrefix(line, ">"); ok {
			words := strings.Fields(verb)
			if len(words) == 0 {
				return nil, fmt.Errorf("a step without a verb")
			}
			steps = append(steps, step{verb: words[0], args: words[1:]})
			continue
		}
		if len(steps) == 0 {
			if strings.TrimSpace(line) == "" {
				continue
			}
			return nil, fmt.Errorf("%q is before the first step", line)
		}
		steps[len(steps)-1].text += line
	}
	return steps, nil
}

// wire returns a step's text as it is sent: the lines of a message's head end in CRLF, and the line end before the next
// step is no part of it. In the body lines end as they are written; \r, \n, \0 and \xNN are what they are in Go.
func (s step) wire() (string, error) {
	text := strings.TrimSuffix(s.text, "\n")
	head, body, ok := strings.Cut(text, "\n\n")
	if !ok {
		// A message's head ends here, with or without the empty line; anything else is a piece of a body.
		first, _, _ := strings.Cut(text, "\n")
		if !strings.HasPrefix(first, "HTTP/1.") && !strings.HasSuffix(first, " HTTP/1.1") && !strings.HasSuffix(first, " HTTP/1.0") {
			return unescape(text)
		}
		head, body = strings.TrimSuffix(text, "\n"), ""
	}
	body, err := unescape(body)
	if err != nil {
		return "", err
	}
	head, err = unescape(strings.ReplaceAll(head, "\n", "\r\n"))
	return head + "\r\n\r\n" + body, err
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	s = strings.NewReplacer("\r", `\r`, "\n", `\n`, `"`, `\"`).Replace(s)
	return strconv.Unquote(`"` + s + `"`)
}
