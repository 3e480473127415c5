// Package sshdconf finds settings in the configuration of OpenSSH's server.
//
// Source: sshd_config(5).
package sshdconf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Setting is a value and where it was set.
type Setting struct {
	Value string
	File  string
	Line  int // counted from 1
}

// Directive is one line of a configuration file.
type Directive struct {
	Keyword string // in lower case
	Args    []string
	Line    int
}

// Parse reads the text of a configuration file.
func Parse(text string) (directives []Directive) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := split(line)
		if len(words) > 0 {
			directives = append(directives,
				Directive{strings.ToLower(words[0]), words[1:], number})
		}
	}
	return directives
}

// split cuts a line into words; quotes keep spaces, an equals sign may follow the
// keyword, a word that begins with # ends the line.
func split(line string) (words []string) {
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

// maxDepth is OpenSSH's limit for files that include each other.
const maxDepth = 16

// Find looks for the first setting of a keyword outside of Match blocks, which is the
// one that counts. Relative names in Include are those of the directory of file.
func Find(file, keyword string) (Setting, bool, error) {
	return find(filepath.Dir(file), file, strings.ToLower(keyword), 0)
}

func find(dir, file, keyword string, depth int) (Setting, bool, error) {
	if depth > maxDepth {
		return Setting{}, false, fmt.Errorf("%s: files include each other more than %d "+
			"deep", file, maxDepth)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Setting{}, false, err
	}
	for _, d := range Parse(string(text)) {
		switch {
		case d.Keyword == "match":
			return Setting{}, false, nil // to the end of the file
		case d.Keyword == keyword && len(d.Args) > 0:
			return Setting{d.Args[0], file, d.Line}, true, nil
		case d.Keyword == "include":
			if s, ok, err := findIn(dir, d.Args, keyword, depth+1); ok || err != nil {
				return s, ok, err
			}
		}
	}
	return Setting{}, false, nil
}

func findIn(dir string, patterns []string, keyword string, depth int) (Setting, bool, error) {
	for _, pattern := range patterns {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(dir, pattern)
		}
		files, err := filepath.Glob(pattern)
		if err != nil {
			return Setting{}, false, fmt.Errorf("keyword Include, %q: %w", pattern, err)
		}
		for _, file := range files {
			if s, ok, err := find(dir, file, keyword, depth); ok || err != nil {
				return s, ok, err
			}
		}
	}
	return Setting{}, false, nil
}
