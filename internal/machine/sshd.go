package machine

// This file finds settings in the configuration of OpenSSH's server.
//
// Source: sshd_config(5), servconf.c.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pam_persistent/internal/facts"
)

// Directive is one line of a configuration file.
type Directive struct {
	Keyword string // in lower case
	Args    []string
	Line    int
}

// Parse reads the text of a configuration file.
func ParseSshdConfig(text string) (directives []Directive) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := splitSshd(line)
		if len(words) > 0 {
			directives = append(directives,
				Directive{strings.ToLower(words[0]), words[1:], number})
		}
	}
	return directives
}

// split cuts a line into words; quotes keep spaces, an equals sign may follow the
// keyword, a word that begins with # ends the line.
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

// findInSshdConfig looks for the first setting of a keyword outside of Match blocks (active), which
// is the one that counts, or else inside of one: sshd does not start if the keyword is one that is
// not allowed there, whether the block matches or not. Relative names in Include are those of the
// directory of file.
func findInSshdConfig(file, keyword string, active bool) (found *facts.Setting, err error) {
	w := walk{dir: filepath.Dir(file), visit: func(s facts.Setting, name string, is bool) bool {
		if name == strings.ToLower(keyword) && is == active {
			found = &s
		}
		return found == nil
	}}
	_, err = w.file(file, true, 0)
	return found, err
}

// walk visits the directives in the order in which sshd reads them, until visit is false.
type walk struct {
	dir   string
	visit func(s facts.Setting, keyword string, active bool) bool
}

// file goes through one file, which ends the Match blocks that begin in it. A block of "Match all"
// is as good as no block, but for a file that is included in another block.
//
// Source: process_server_config_line in OpenSSH's servconf.c.
func (w walk) file(name string, active bool, depth int) (goOn bool, err error) {
	if depth > facts.MaxDepth {
		return false, facts.TooDeep(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return false, err
	}
	included := active
	for _, d := range ParseSshdConfig(string(text)) {
		switch {
		case len(d.Args) == 0:
		case d.Keyword == "match":
			active = included && strings.EqualFold(d.Args[0], "all")
		case d.Keyword == "include":
			if goOn, err := w.included(d.Args, active, depth+1); !goOn || err != nil {
				return false, err
			}
		case !w.visit(facts.Setting{Value: d.Args[0], File: name, Line: d.Line}, d.Keyword,
			active):
			return false, nil
		}
	}
	return true, nil
}

func (w walk) included(patterns []string, active bool, depth int) (goOn bool, err error) {
	for _, pattern := range patterns {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(w.dir, pattern)
		}
		files, err := filepath.Glob(pattern)
		if err != nil {
			return false, fmt.Errorf("keyword Include, %q: %w", pattern, err)
		}
		for _, name := range files {
			if goOn, err := w.file(name, active, depth); !goOn || err != nil {
				return false, err
			}
		}
	}
	return true, nil
}
