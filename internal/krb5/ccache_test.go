package krb5

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pam_persistent/internal/facts"
)

// The files of testdata are what MIT krb5 1.20.1 wrote: kinit and kvno into
// KEYRING:persistent: from a KDC of a test realm.
func payload(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".bin"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPrincipal(t *testing.T) {
	name, err := ParsePrincipal(payload(t, "principal"))
	if err != nil || name != "alice@EXAMPLE.ORG" {
		t.Errorf("got %q, %v", name, err)
	}
}

func TestPrincipalIsEscaped(t *testing.T) {
	name, err := ParsePrincipal([]byte("\x00\x00\x00\x01\x00\x00\x00\x01" +
		"\x00\x00\x00\x01R\x00\x00\x00\x05a/b@\n"))
	if want := `a\/b\@\n@R`; err != nil || name != want {
		t.Errorf("got %q, %v, want %q", name, err, want)
	}
}

func TestTicket(t *testing.T) {
	start := time.Date(2026, 11, 23, 15, 30, 20, 0, time.UTC)
	for _, test := range []struct {
		file string
		want facts.Ticket
	}{
		{"tgt", facts.Ticket{Client: "alice@EXAMPLE.ORG",
			Server: "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG",
			Starts: start, Ends: start.Add(10 * time.Hour),
			RenewableUntil: start.AddDate(0, 0, 7), Granting: true, Whole: true}},
		{"service", facts.Ticket{Client: "alice@EXAMPLE.ORG",
			Server: "host/www.example.org@EXAMPLE.ORG",
			Starts: start, Ends: start.Add(10 * time.Hour),
			RenewableUntil: start.AddDate(0, 0, 7), Whole: true}},
		{"setting", facts.Ticket{Client: "alice@EXAMPLE.ORG",
			Server: `krb5_ccache_conf_data/fast_avail/` +
				`krbtgt\/EXAMPLE.ORG\@EXAMPLE.ORG@X-CACHECONF:`,
			Setting: true, Whole: true}},
	} {
		got, err := ParseTicket(payload(t, test.file))
		if err != nil || got != test.want {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", test.file, got, err, test.want)
		}
	}
}

// Every beginning of a good payload is a payload that was cut off.
func TestCutOff(t *testing.T) {
	principal := payload(t, "principal")
	for n := range principal {
		if _, err := ParsePrincipal(principal[:n]); err == nil {
			t.Errorf("the first %d bytes of a principal were taken for a whole one", n)
		}
	}
	if _, err := ParsePrincipal(append(principal, 0)); err == nil {
		t.Error("a byte too many was taken for a principal")
	}
	primary := payload(t, "primary")
	if name, err := ParsePrimary(primary); err != nil || name != "99941" {
		t.Errorf("the primary is %q, %v", name, err)
	}
	for n := range primary {
		if _, err := ParsePrimary(primary[:n]); err == nil {
			t.Errorf("the first %d bytes of a primary's name were taken for it", n)
		}
	}
	for _, bad := range [][]byte{append(primary, 0),
		append([]byte{0, 0, 0, 2}, primary[4:]...)} {
		if name, err := ParsePrimary(bad); err == nil {
			t.Errorf("%q was taken for the name of a primary, %q", bad, name)
		}
	}
	ticket := payload(t, "tgt")
	for n := range ticket {
		if got, err := ParseTicket(ticket[:n]); err == nil && got.Whole {
			t.Errorf("the first %d bytes of a ticket were taken for all of it", n)
		}
	}
	if got, err := ParseTicket(append(ticket, 0)); err != nil || got.Whole {
		t.Errorf("with a byte too many: %+v, %v", got, err)
	}
	for n := range 100 {
		if _, err := ParseTicket(ticket[:n]); err == nil {
			t.Errorf("the first %d bytes of a ticket were taken for a ticket with "+
				"times", n)
		}
	}
}

func seed(f *testing.F) {
	for _, name := range []string{"principal", "tgt", "service", "setting", "primary"} {
		f.Add(payload(f, name))
	}
	f.Add([]byte("\x00\x00\x00\x01\xff\xff\xff\xff\x00\x00\x00\x00"))
}

func FuzzParsePrincipal(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if name, err := ParsePrincipal(data); err == nil && len(name) > 2*len(data) {
			t.Errorf("%d bytes made a name of %d", len(data), len(name))
		}
	})
}

func FuzzParsePrimary(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if name, err := ParsePrimary(data); err == nil && len(name) != len(data)-8 {
			t.Errorf("%d bytes made a name of %d", len(data), len(name))
		}
	})
}

func FuzzParseTicket(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		ticket, err := ParseTicket(data)
		if err != nil {
			return
		}
		if ticket.Ends.Year() > 2106 ||
			len(ticket.Client)+len(ticket.Server) > 2*len(data) {
			t.Errorf("%+v from %q", ticket, data)
		}
	})
}
