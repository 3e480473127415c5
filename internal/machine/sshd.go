package machine

// This file finds settings in the configuration of OpenSSH's server.
//
// Source: sshd_config(5), servconf.c.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pam_persistent/internal/facts"
)

// directive is one line of a configuration file.
type directive struct {
	Keyword string // in lower case
	Args    []string
	Line    int
}

// parseSshdConfig reads the text of a configuration file.
func parseSshdConfig(text string) (all []directive) {
	for i, line := range strings.SplitAfter(text, "\n") {
		if words := splitSshd(line); len(words) > 0 {
			all = append(all, directive{strings.ToLower(words[0]), words[1:], i + 1})
		}
	}
	return all
}

// splitSshd cuts a line into words. Quotes protect spaces, an equals sign may follow the keyword,
// and a word that begins with # ends the line.
func splitSshd(line string) (words []string) {
	var word strings.Builder
	inWord, quote := false, byte(0)
	end := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	for i := range len(line) {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			inWord, quote = true, c
		case strings.IndexByte(" \t\r\n\f", c) >= 0, c == '=' &&
			(len(words) == 0 && inWord || len(words) == 1 && !inWord):
			end()
		case c == '#' && !inWord:
			return words
		default:
			inWord = true
			word.WriteByte(c)
		}
	}
	end()
	return words
}

func (p places) sshd() facts.Sshd { return lookAtSshd(p.root + "/etc/ssh/sshd_config") }

// lookAtSshd looks for the first UsePAM outside of Match blocks, which is the one that sshd uses,
// and for the first one in a Match block.
func lookAtSshd(file string) facts.Sshd {
	s := facts.Sshd{File: file}
	if err := readSshd(&s, s.File, true, 0); s.UsePAM == nil {
		s.Err, s.Missing = err, errors.Is(err, fs.ErrNotExist)
	}
	return s
}

// readSshd reads one file. active reports whether the file is read outside of any Match block. The
// end of the file ends the blocks that begin in it. "Match all" is like no block, except in a file
// that is included in another block.
//
// Source: process_server_config_line in OpenSSH's servconf.c.
func readSshd(s *facts.Sshd, name string, active bool, depth int) error {
	if depth > facts.MaxDepth {
		return facts.TooDeep(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	included := active
	for _, d := range parseSshdConfig(string(text)) {
		switch {
		case len(d.Args) == 0:
		case d.Keyword == "match":
			active = included && strings.EqualFold(d.Args[0], "all")
		case d.Keyword == "include":
			if err := includeSshd(s, d.Args, active, depth+1); err != nil {
				return err
			}
		case d.Keyword == "usepam":
			found := &facts.Setting{Value: d.Args[0], File: name, Line: d.Line}
			if active && s.UsePAM == nil {
				s.UsePAM = found
			} else if !active && s.InMatch == nil {
				s.InMatch = found
			}
		}
	}
	return nil
}

// includeSshd reads files. Relative names are relative to the directory of the first file.
func includeSshd(s *facts.Sshd, patterns []string, active bool, depth int) error {
	for _, pattern := range patterns {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(s.File), pattern)
		}
		files, err := filepath.Glob(pattern)
		if err != nil {
			return fmt.Errorf("keyword Include, %q: %w", pattern, err)
		}
		for _, name := range files {
			if err := readSshd(s, name, active, depth); err != nil {
				return err
			}
		}
	}
	return nil
}
