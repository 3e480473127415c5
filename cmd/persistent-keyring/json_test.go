package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pam_persistent/internal/doctor"
	"pam_persistent/internal/keytree"
	"pam_persistent/internal/show"
	"pam_persistent/internal/status"
	"pam_persistent/internal/try"
)

// The Go types behind the sections of docs/persistent-keyring-json.md.
var sections = map[string]any{
	"status": status.JSON{}, "keyring": status.KeyringJSON{}, "timer": show.Timer{}, "session": status.SessionJSON{},
	"step": status.StepJSON{}, "quota": status.QuotaJSON{}, "key": keytree.KeyJSON{}, "ticket": keytree.TicketJSON{},
	"list": listJSON{}, "listed": listedJSON{}, "doctor": doctorJSON{}, "result": doctor.Result{}, "mend": doctor.Mend{},
	"try": try.JSON{}, "view": try.ViewJSON{},
}

// TestJSONIsDocumented compares the tables with the types that are printed, field by field and in order; that no other
// field is printed is what decode checks everywhere.
func TestJSONIsDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "persistent-keyring-json.md"))
	check(t, err)
	documented := map[string][]string{}
	section := ""
	row := regexp.MustCompile("^\\| `([a-z_]+)` \\| ([a-z ]+) \\|")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			section = strings.TrimSpace(name)
		}
		if found := row.FindStringSubmatch(line); found != nil {
			documented[section] = append(documented[section], found[1]+": "+found[2])
		}
	}
	for name, value := range sections {
		if got, want := documented[name], fields(reflect.TypeOf(value)); !slices.Equal(got, want) {
			t.Errorf("section %s has\n%q, the program\n%q", name, got, want)
		}
		delete(documented, name)
	}
	if len(documented) > 0 {
		t.Errorf("sections without a type: %v", documented)
	}
}

func fields(of reflect.Type) (list []string) {
	for i := range of.NumField() {
		field := of.Field(i)
		switch {
		case field.Anonymous:
			list = append(list, fields(field.Type)...)
		case field.IsExported():
			list = append(list, field.Tag.Get("json")+": "+typeName(field.Type))
		}
	}
	return list
}

func typeName(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Pointer:
		return typeName(of.Elem()) + " or null"
	case reflect.Slice:
		return "list of " + typeName(of.Elem())
	case reflect.Struct:
		for name, value := range sections {
			if reflect.TypeOf(value) == of {
				return name
			}
		}
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int32, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return "number"
	}
	return of.String()
}
