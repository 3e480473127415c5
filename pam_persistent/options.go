package main

import (
	"strconv"
	"strings"

	opt "pam_persistent/internal/options"
)

// options are the arguments of the module's line in a service file. pam_persistent(8) describes
// them.
type options struct {
	debug       bool
	revoke      bool
	userKeyring bool
	krb5ccname  string // template; "": the option is not given
	minimumUID  uint32
	excludeAll  bool // the value of minimum_uid is not a UID
}

// parseOptions parses the arguments of the line. Each complaint is a log line about an argument
// that has no effect.
func parseOptions(args []string) (o options, complaints []string) {
	for _, arg := range args {
		if complaint := o.parse(arg); complaint != "" {
			complaints = append(complaints, complaint)
		}
	}
	return o, complaints
}

func (o *options) parse(arg string) (complaint string) {
	name, value, fault := opt.Split(arg)
	problem := ""
	switch {
	case fault == opt.Empty:
		problem = "empty"
	case fault != "":
		return string(fault) + ": " + printable(arg)
	case name == "debug":
		o.debug = true
	case name == "krb5ccname":
		problem = o.setKrb5ccname(value)
	case name == "minimum_uid":
		problem = o.setMinimumUID(value)
	case name == "revoke":
		o.revoke = true
	case name == "user_keyring":
		o.userKeyring = true
	}
	if problem != "" {
		return "malformed option: " + printable(arg) + ": " + problem
	}
	return ""
}

// defaultKrb5ccname is MIT krb5's name of the cache collection in the user's persistent keyring.
const defaultKrb5ccname = "KEYRING:persistent:%{uid}"

func (o *options) setKrb5ccname(template string) (problem string) {
	if template == "" {
		template = defaultKrb5ccname
	}
	if _, problem = expand(template, "", 0); problem == "" {
		o.krb5ccname = template
	}
	return problem
}

func (o *options) setMinimumUID(value string) (problem string) {
	uid, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		// Whom the administrator wanted to exclude is unknown, so every user is excluded.
		o.excludeAll = true
		return "not a UID; every user is excluded"
	}
	o.minimumUID = uint32(uid)
	return ""
}

func (o options) excludes(uid uint32) bool { return o.excludeAll || uid < o.minimumUID }

// expand replaces %{uid} and %{username} in a template, as krb5.conf(5) writes them.
func expand(template, username string, uid uint32) (text, problem string) {
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
			return "", "unknown name in %{" + printable(name) + "}"
		}
		rest = tail
	}
	if template == "" {
		return "", "empty"
	}
	return b.String(), ""
}

// printable returns text as it is if it is printable ASCII without blanks, else quoted.
func printable(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] <= ' ' || text[i] > '~' {
			return strconv.QuoteToASCII(text)
		}
	}
	return text
}

func quoted(text string) string { return strconv.QuoteToASCII(text) }
