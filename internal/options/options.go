// Package options names the options of the module's line in a service file. The module goes by it,
// and the command, which tells of options that the module would not understand.
package options

import "strings"

// Value tells whether an option is written NAME or NAME=VALUE.
type Value int

const (
	None Value = iota
	Optional
	Required
)

// An Option is one that the line may have.
type Option struct {
	Name  string
	Value Value
}

// All is the one place that names the options. README and man page are compared with it by a test.
var All = [...]Option{
	{"debug", None},
	{"krb5ccname", Optional},
	{"minimum_uid", Required},
	{"revoke", None},
	{"user_keyring", None},
}

// A Fault is why the module goes on without an argument of its line; "" if it does not.
type Fault string

const (
	Unknown      Fault = "unknown option"
	TakesNoValue Fault = "option takes no value"
	Empty        Fault = "malformed option"
)

// Split cuts an argument into name and value. What values mean is for the module to say: one that is
// missing where it is required is "".
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
