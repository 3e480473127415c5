// Hoststable prints, as a table, what the tests have recorded about the hosts in build/hosts (see
// world.NoteHosts). With -w it writes the table into docs/hosts.md instead, between the lines that
// mark its place.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pam_persistent/tests/support/world"
)

const (
	page  = "docs/hosts.md"
	begin = "<!-- table -->\n"
	end   = "<!-- end of table -->\n"
)

func main() {
	write := flag.Bool("w", false, "write it to "+page)
	flag.Parse()
	table, err := table("build/hosts")
	if err == nil && *write {
		err = replace(page, table)
	} else if err == nil {
		fmt.Print(table)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hoststable:", err)
		os.Exit(1)
	}
}

func table(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| host | sessions | good | hung | left over | plain Go module | |\n" +
		"|---|--:|--:|--:|--:|--:|---|\n")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		var hosts []world.Host
		if err := json.Unmarshal(text, &hosts); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		for _, h := range hosts {
			fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %s | %s |\n", h.Name,
				h.Sessions, h.Good, h.Hung, h.Left, h.Plain, h.Note)
		}
	}
	return b.String(), nil
}

func replace(path, table string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s: no place for the table", path)
	}
	return os.WriteFile(path, []byte(before+begin+table+end+after), 0o644)
}
