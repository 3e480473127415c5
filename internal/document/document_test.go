package document_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pam_persistent/internal/document"
	"pam_persistent/tests/support/documents"
)

// definition is a type as the schema has it.
type definition struct {
	Required   []string
	Properties map[string]property
}

type property struct {
	Type  any
	Const any
	Ref   string `json:"$ref"`
	AnyOf []property
	Items *property
}

// The types and the schema have the same fields, each of the same type.
func TestTypesFitTheSchema(t *testing.T) {
	var schema struct {
		Defs map[string]definition `json:"$defs"`
	}
	if err := json.Unmarshal(document.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	types := map[string]reflect.Type{}
	for _, d := range []any{document.Status{}, document.List{}, document.Doctor{},
		document.Try{}, document.Changes{}, document.Attach{}, document.Prune{},
		document.Renew{}} {
		collect(reflect.TypeOf(d), types)
	}
	for name, of := range types {
		if got, want := described(schema.Defs[name]), fields(of); !slices.Equal(got, want) {
			t.Errorf("the schema's %s has\n%q, the program's\n%q", name, got, want)
		}
		delete(schema.Defs, name)
	}
	for name := range schema.Defs {
		t.Errorf("the schema's %s is not one of the program's", name)
	}
}

// collect finds the types of which a document is made.
func collect(of reflect.Type, types map[string]reflect.Type) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		collect(of.Elem(), types)
	case reflect.Struct:
		if name := strings.ToLower(of.Name()); types[name] == nil {
			types[name] = of
			for i := range of.NumField() {
				collect(of.Field(i).Type, types)
			}
		}
	}
}

// described lists "name: type" of a definition, and for each field whether it must be there.
func described(d definition) (list []string) {
	for name, p := range d.Properties {
		line := name + ": " + p.String()
		if !slices.Contains(d.Required, name) {
			line += ", optional"
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

func (p property) String() string {
	switch {
	case p.Const != nil:
		return "integer"
	case p.Ref != "":
		return strings.TrimPrefix(p.Ref, "#/$defs/")
	case len(p.AnyOf) == 2 && p.AnyOf[1].Type == "null":
		return p.AnyOf[0].String() + " or null"
	case p.Type == "array":
		return "list of " + p.Items.String()
	}
	if types, ok := p.Type.([]any); ok {
		return types[0].(string) + " or null"
	}
	return p.Type.(string)
}

// fields lists the same for a type of the program.
func fields(of reflect.Type) (list []string) {
	for i := range of.NumField() {
		if field := of.Field(i); field.Anonymous {
			list = append(list, fields(field.Type)...)
		} else {
			list = append(list, field.Tag.Get("json")+": "+typeName(field.Type))
		}
	}
	slices.Sort(list)
	return list
}

func typeName(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Pointer:
		return typeName(of.Elem()) + " or null"
	case reflect.Slice:
		return "list of " + typeName(of.Elem())
	case reflect.Struct:
		return strings.ToLower(of.Name())
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "string"
	}
	return "integer"
}

// The schema refuses a document with a field too many, too few or of another type.
func TestSchemaRefuses(t *testing.T) {
	whole := document.Doctor{Version: document.Version,
		Results: []document.Result{{Check: "kernel", Level: "ok", Text: "x"}}}
	for _, test := range []struct{ name, old, new, want string }{
		{"whole", "", "", ""},
		{"unknown", `"text":"x"`, `"text":"x","more":1`,
			"additional properties 'more' not allowed"},
		{"missing", `"text":"x",`, "", "missing property 'text'"},
		{"of another type", `"text":"x"`, `"text":1`, "got number, want string"},
		{"level", `"level":"ok"`, `"level":"good"`, "value must be one of"},
		{"version", `"version":1`, `"version":2`, "value must be 1"},
	} {
		text, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), test.old, test.new, 1)
		err = documents.Validate("doctor", []byte(changed))
		if (err == nil) != (test.want == "") ||
			err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzWrite(f *testing.F) {
	for _, text := range []string{"plain", "two\nlines", "\x1b[2J", "\u009b2J", "\u202e",
		"\xff", strings.Repeat("ä", 100)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		if err := document.Write(&out, text); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil ||
			back != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
			t.Errorf("%q came back as %q, %v", text, back, err)
		}
		for _, c := range out.Bytes()[:out.Len()-1] {
			if c < ' ' || c > '~' {
				t.Errorf("raw %#x in %q", c, out.String())
			}
		}
	})
}
