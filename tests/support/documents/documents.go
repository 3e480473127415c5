// Package documents reads documents in tests, and checks them against the JSON Schema.
package documents

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"pam_persistent/internal/document"
)

// Validate returns an error that says why a text is not the document of a subcommand.
func Validate(subcommand string, text []byte) error {
	compiler := jsonschema.NewCompiler()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document.Schema))
	if err != nil {
		return err
	}
	if err := compiler.AddResource("schema.json", parsed); err != nil {
		return err
	}
	compiled, err := compiler.Compile("schema.json#/$defs/" + subcommand)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

// Decode reads a document of type D, such as document.Status, and fails the test if the document
// does not fit the schema.
func Decode[D any](t testing.TB, text string) (d D) {
	t.Helper()
	err := Validate(strings.ToLower(reflect.TypeFor[D]().Name()), []byte(text))
	if err == nil {
		err = json.Unmarshal([]byte(text), &d)
	}
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return d
}
