package machine

import (
	"reflect"
	"strings"
	"testing"
)

func TestDenials(t *testing.T) {
	log := `type=AVC msg=audit(1.1:1): avc:  denied  { read } for  pid=1 comm="x" tclass=file` +
		` permissive=0
type=AVC msg=audit(1.1:2): avc:  denied  { write } for  pid=2 comm="sshd" tclass=key permissive=0
type=AVC msg=audit(1.1:3): avc:  granted  { write } for  pid=2 comm="sshd" tclass=key permissive=0
type=AVC msg=audit(1.1:4): avc:  denied  { view } for  pid=3 tclass=keyring permissive=0
`
	want := []string{`avc: denied { write } for  pid=2 comm="sshd" tclass=key permissive=0`}
	if got := keyDenials(log); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzDenials(f *testing.F) {
	f.Add("avc:  denied  { write } for  tclass=key \n")
	f.Add("avc:  denied tclass=key")
	f.Fuzz(func(t *testing.T, log string) {
		for _, denial := range keyDenials(log) {
			if strings.Contains(denial, "\n") ||
				!strings.HasPrefix(denial, "avc: denied ") {
				t.Errorf("%q", denial)
			}
		}
	})
}
