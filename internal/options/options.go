// Package options is the table of the options of the module's line in a service file. The module
// parses its line with it, and the command reports arguments that have no effect.
package options

import (
	"strconv"
	"strings"
)

// An Option is an option that the line may have.
type Option struct {
	Name  string
	Value Value
	// Example is a good value, for an option that needs one.
	Example string
	// Excludes reports whether a bad value makes the module exclude every user, because it is
	// not known whom the administrator wanted to exclude. Other bad arguments are ignored.
	Excludes bool
	check    func(value string) Fault
}

// Value says whether an option is written NAME or NAME=VALUE.
type Value int

const (
	None Value = iota
	Optional
	Required
)

// All is the table of options. A test compares the README and the manual page with it.
var All = [...]Option{
	{Name: "debug"},
	{Name: "krb5ccname", Value: Optional, check: checkTemplate},
	{Name: "minimum_uid", Value: Required, Example: "1000", Excludes: true, check: checkUID},
	{Name: "revoke"},
	{Name: "user_keyring"},
}

// A Fault says what is wrong with an argument. It is "" for a good argument.
type Fault string

// The faults of an argument's form. Others are faults of a value, such as "not a UID".
const (
	Unknown      Fault = "unknown option"
	TakesNoValue Fault = "option takes no value"
	Empty        Fault = "malformed option" // an optional value is announced and missing
)

// Parse returns the option that an argument gives, and its value, or "" without one. The option is
// the zero Option if the fault is Unknown.
func Parse(arg string) (option Option, value string, fault Fault) {
	name, value, hasValue := strings.Cut(arg, "=")
	for _, option := range All {
		if option.Name == name {
			return option, value, option.faultOf(value, hasValue)
		}
	}
	return Option{}, value, Unknown
}

func (o Option) faultOf(value string, hasValue bool) Fault {
	switch {
	case o.Value == None && hasValue:
		return TakesNoValue
	case o.Value == Optional && hasValue && value == "":
		return Empty
	case o.Value == Required || hasValue:
		return o.check(value)
	}
	return ""
}

// UID reads a decimal UID, the value of minimum_uid.
func UID(value string) (uid uint32, ok bool) {
	n, err := strconv.ParseUint(value, 10, 32)
	return uint32(n), err == nil
}

func checkUID(value string) Fault {
	if _, ok := UID(value); !ok {
		return "not a UID"
	}
	return ""
}

// Expand replaces %{uid} and %{username} in a template, as krb5.conf(5) writes them. If the
// template is malformed, problem says why.
func Expand(template, username, uid string) (text string, problem Fault) {
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
			b.WriteString(uid)
		case name == "username":
			b.WriteString(username)
		default:
			return "", Fault("unknown name in %{" + Printable(name) + "}")
		}
		rest = tail
	}
	if template == "" {
		return "", "empty"
	}
	return b.String(), ""
}

func checkTemplate(value string) Fault {
	_, problem := Expand(value, "", "")
	return problem
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
