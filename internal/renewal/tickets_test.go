package renewal

import (
	"strings"
	"testing"
)

// The user controls the child, so its answer is not trusted.
func TestParseTickets(t *testing.T) {
	const senseless = "invalid answer"
	for _, test := range []struct{ text, want string }{
		{`{"Caches": null}`, ""},
		{`{"Caches": [{"result": "renewed", "before": "2026-11-24T12:00:00Z"}]}`, ""},
		{`{"Caches": [{"result": "%s%s"}]}`, senseless},
		{`{"Caches": [{"result": "early", "before": "\u001b[2J"}]}`, "parsing time"},
		{`{"Problem": "two\nlines"}`, `"two\nlines"`},
		{`nonsense`, "invalid character"},
		{``, "unexpected end"},
	} {
		text, want := test.text, test.want
		_, err := parseTickets([]byte(text))
		if (err == nil) != (want == "") ||
			err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
