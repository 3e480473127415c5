package main

import (
	"cmp"
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
	option, value, fault := opt.Parse(arg)
	problem := string(fault)
	switch fault {
	case "":
		o.set(option.Name, value)
		return ""
	case opt.Unknown, opt.TakesNoValue:
		return problem + ": " + opt.Printable(arg)
	case opt.Empty:
		problem = "empty"
	}
	if option.Excludes {
		o.excludeAll = true
		problem += "; every user is excluded"
	}
	return "malformed option: " + opt.Printable(arg) + ": " + problem
}

// defaultKrb5ccname is MIT krb5's name of the cache collection in the user's persistent keyring.
const defaultKrb5ccname = "KEYRING:persistent:%{uid}"

func (o *options) set(name, value string) {
	switch name {
	case "debug":
		o.debug = true
	case "krb5ccname":
		o.krb5ccname = cmp.Or(value, defaultKrb5ccname)
	case "minimum_uid":
		o.minimumUID, _ = opt.UID(value)
	case "revoke":
		o.revoke = true
	case "user_keyring":
		o.userKeyring = true
	}
}

func (o options) excludes(uid uint32) bool { return o.excludeAll || uid < o.minimumUID }

func quoted(text string) string { return strconv.QuoteToASCII(text) }
