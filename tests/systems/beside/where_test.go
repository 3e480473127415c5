package beside

import (
	"os"
	"testing"
)

// where is a command for sessions: it prints which of the keyrings that the session reaches holds a
// key. The session finds the key with request_key(2), as the kernel does.
const where = `#!/bin/sh
key=$(keyctl request "$1" "$2" 2>/dev/null) || { echo not reached; exit; }
for name in _ses "_uid.$(id -u)" "_persistent.$(id -u)"; do
	ring=@s
	[ $name = _ses ] || ring=$(keyctl search @s keyring "$name") || continue
	for link in $(keyctl rlist "$ring"); do
		[ "$link" != "$key" ] || { echo "in ${name%%.*}"; exit; }
	done
done
echo elsewhere
`

// The output of where.
const (
	inSession    = "in _ses"
	inUser       = "in _uid"
	inPersistent = "in _persistent"
	notReached   = "not reached"
)

func writeWhere(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/home/where", []byte(where), 0o755); err != nil {
		t.Fatal(err)
	}
}
