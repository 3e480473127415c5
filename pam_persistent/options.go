package main

import (
	"strconv"

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
		return string(fault) + ": " + opt.Printable(arg)
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
		return "malformed option: " + opt.Printable(arg) + ": " + problem
	}
	return ""
}

// defaultKrb5ccname is MIT krb5's name of the cache collection in the user's persistent keyring.
const defaultKrb5ccname = "KEYRING:persistent:%{uid}"

func (o *options) setKrb5ccname(template string) (problem string) {
	if template == "" {
		template = defaultKrb5ccname
	}
	if _, problem = opt.Expand(template, "", 0); problem == "" {
		o.krb5ccname = template
	}
	return problem
}

func (o *options) setMinimumUID(value string) (problem string) {
	uid, ok := opt.UID(value)
	if !ok {
		// Whom the administrator wanted to exclude is unknown, so every user is excluded.
		o.excludeAll = true
		return "not a UID; every user is excluded"
	}
	o.minimumUID = uid
	return ""
}

func (o options) excludes(uid uint32) bool { return o.excludeAll || uid < o.minimumUID }

func quoted(text string) string { return strconv.QuoteToASCII(text) }
