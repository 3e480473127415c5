package options

import (
	"strconv"
	"strings"
)

// UID reads the value of minimum_uid.
func UID(value string) (uid uint32, ok bool) {
	n, err := strconv.ParseUint(value, 10, 32)
	return uint32(n), err == nil
}

// Expand replaces %{uid} and %{username} in a template, as krb5.conf(5) writes them.
func Expand(template, username string, uid uint32) (text, problem string) {
	var b strings.Builder
	rest := template
	for {
		before, after, found := strings.Cut(rest, "%{")
		b.WriteString(before)
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		switch {
		case !closed:
			return "", "%{ without }"
		case name == "uid":
			b.WriteString(strconv.FormatUint(uint64(uid), 10))
		case name == "username":
			b.WriteString(username)
		default:
			return "", "unknown name in %{" + Printable(name) + "}"
		}
		rest = tail
	}
	if template == "" {
		return "", "empty"
	}
	return b.String(), ""
}

// Printable returns text as it is if it is printable ASCII without blanks, else quoted.
func Printable(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] <= ' ' || text[i] > '~' {
			return strconv.QuoteToASCII(text)
		}
	}
	return text
}
