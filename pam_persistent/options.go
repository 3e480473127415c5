package main

import (
	"strconv"
	"strings"

	opt "pam_persistent/internal/options"
)

// options are the arguments of the module's line in a service file; pam_persistent(8) says what each is for.
type options struct {
	debug       bool
	revoke      bool
	userKeyring bool
	krb5ccname  string // template; "": leave the environment alone
	minimumUID  uint32
	excludeAll  bool // minimum_uid says something that cannot be understood
}

// parseOptions reads what it understands. Each complaint is a line for the log, about an option that goes unheeded.
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

// defaultKrb5ccname is MIT krb5's name for the collection of caches in the user's persistent keyring.
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
		// Whom the administrator meant to leave out is unknown: nobody is let in by a typing error.
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

// printable is text as it is if it can stand in a log line so, else quoted.
func printable(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] <= ' ' || text[i] > '~' {
			return strconv.QuoteToASCII(text)
		}
	}
	return text
}

func quoted(text string) string { return strconv.QuoteToASCII(text) }
