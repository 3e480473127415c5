// Package options is the table of the options of the module's line in a service file. The module
// parses its line with it, and the command reports arguments that the module does not know.
package options

import "strings"

// Value tells whether an option is written NAME or NAME=VALUE.
type Value int

const (
	None Value = iota
	Optional
	Required
)

// An Option is an option that the line may have.
type Option struct {
	Name  string
	Value Value
}

// All is the table of options. A test compares the README and the manual page with it.
var All = [...]Option{
	{"debug", None},
	{"krb5ccname", Optional},
	{"minimum_uid", Required},
	{"revoke", None},
	{"user_keyring", None},
}

// A Fault tells why the module ignores an argument of its line. It is "" for a good argument.
type Fault string

const (
	Unknown      Fault = "unknown option"
	TakesNoValue Fault = "option takes no value"
	Empty        Fault = "malformed option"
)

// Split cuts an argument into name and value. It does not check what the value means: a value that
// is required and missing is "".
func Split(arg string) (name, value string, fault Fault) {
	name, value, hasValue := strings.Cut(arg, "=")
	for _, option := range All {
		switch {
		case option.Name != name:
			continue
		case hasValue && option.Value == None:
			fault = TakesNoValue
		case hasValue && value == "" && option.Value == Optional:
			fault = Empty
		}
		return name, value, fault
	}
	return name, value, Unknown
}
