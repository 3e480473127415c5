package main

import (
	"strconv"
	"strings"
)

// options are the arguments of the module's line in a service file; pam_persistent(8) says what each is for.
type options struct {
	debug       bool
	revoke      bool
	force       bool
	nocreate    bool
	userKeyring bool
	krb5ccname  string // template; "": leave the environment alone
	minimumUID  uint32
	excludeAll  bool // minimum_uid says something that cannot be understood
}

// MIT krb5's name for the collection of caches in the user's persistent keyring.
const defaultKrb5ccname = "KEYRING:persistent:%{uid}"

// parseOptions reads what it understands. Each complaint is a line for the log, about an option that goes unheeded.
func parseOptions(args []string) (o options, complaints []string) {
	for _, arg := range args {
		name, value, hasValue := strings.Cut(arg, "=")
		flag := o.flag(name)
		switch {
		case flag != nil && !hasValue:
			*flag = true
		case flag != nil:
			complaints = append(complaints, "option takes no value: "+printable(arg))
		case name == "krb5ccname" && !hasValue:
			o.krb5ccname = defaultKrb5ccname
		case name == "krb5ccname":
			if _, problem := expand(value, "", 0); problem != "" {
				complaints = append(complaints, "malformed option: "+printable(arg)+": "+problem)
				continue
			}
			o.krb5ccname = value
		case name == "minimum_uid":
			uid, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				// Whom the administrator meant to leave out is unknown: nobody is let in by a typing error.
				o.excludeAll = true
				complaints = append(complaints, "malformed option: "+printable(arg)+": not a UID; every user is excluded")
				continue
			}
			o.minimumUID = uint32(uid)
		default:
			complaints = append(complaints, "unknown option: "+printable(arg))
		}
	}
	if o.force && o.nocreate {
		o.force = false
		complaints = append(complaints, "option force contradicts nocreate and is ignored")
	}
	return o, complaints
}

func (o *options) flag(name string) *bool {
	switch name {
	case "debug":
		return &o.debug
	case "revoke":
		return &o.revoke
	case "force":
		return &o.force
	case "nocreate":
		return &o.nocreate
	case "user_keyring":
		return &o.userKeyring
	}
	return nil
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
