package hosts

import (
	"fmt"
	"os"
	"testing"

	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// lightdmGreeter installs a greeter, on which lightdm's package depends: Debian's greeters are many
// times its size.
func lightdmGreeter(t testing.TB) {
	t.Helper()
	sh(t, `mkdir -p /home/package/DEBIAN
		printf '%s\n' "Package: greeter-of-the-tests" "Version: 1" "Architecture: all" \
			"Maintainer: nobody" "Description: none" "Provides: lightdm-greeter" \
			>/home/package/DEBIAN/control
		dpkg-deb -b /home/package /home/greeter.deb
		dpkg -i /home/greeter.deb`)
}

const lightdmConf = `[LightDM]
minimum-display-number=60
[Seat:*]
xserver-command=/home/greeter/X
greeter-session=probe
user-session=probe
session-wrapper=/home/greeter/session
`

// lightdmX passes the arguments of Xorg that Xvfb knows on to it.
const lightdmX = `#!/bin/sh
display=$1
while [ "$1" != -auth ]; do shift; done
exec Xvfb "$display" -auth "$2" -nolisten tcp -nolisten local -screen 0 640x480x8
`

// lightdm is Debian's configuration except for the X server, the greeter, and the session, which is
// the probe. It needs the system bus, and starts without a seat manager on it.
func lightdm(t testing.TB, r *sessions.Ring) {
	t.Helper()
	sh(t, `rm -rf /home/greeter; mkdir -m 777 /home/greeter
		mkdir -p /run/dbus /usr/share/xsessions /usr/share/xgreeters
		rm -f /run/dbus/pid /run/dbus/system_bus_socket /run/lightdm.pid
		install -m 755 "$1" /home/greeter/greeter`,
		world.Root+"/tests/systems/hosts/testdata/lightdm-greeter")
	for path, text := range map[string]string{
		"/etc/lightdm/lightdm.conf.d/hosts.conf": lightdmConf,
		"/home/greeter/X":                        lightdmX,
		"/home/greeter/session":                  "#!/bin/sh\nexec $1\n",
		"/usr/share/xgreeters/probe.desktop": "[Desktop Entry]\nType=Application\n" +
			"Name=probe\nExec=/home/greeter/greeter\n",
		"/usr/share/xsessions/probe.desktop": "[Desktop Entry]\nType=Application\n" +
			"Name=probe\nExec=/home/greeter/probe\n",
	} {
		world.Put(t, path, text, 0o755)
	}
	r.Daemon(t, exists("/run/dbus/system_bus_socket"), "dbus-daemon", "--system", "--nofork")
	r.Daemon(t, exists("/run/lightdm.pid"), "lightdm")
}

// lightdmLogin tells the greeter whom to log in.
func lightdmLogin(l login) error {
	if err := os.WriteFile("/home/greeter/probe", []byte("#!/bin/sh\nexec "+l.probe()+"\n"),
		0o755); err != nil {
		return err
	}
	return letGo("/home/greeter/go", l.user.Name+" "+world.Password+"\n", l.limit)
}

// If no pam_keyinit in a display manager's stack makes a new session keyring, the user's session
// gets the one with which root's display manager was started, and all keys in it: so in NixOS
// (nixpkgs#331444) and in Debian 12.
func TestRootsSessionKeyringOnADesktop(t *testing.T) {
	system(t)
	use(t, ours)
	greeterUser("lightdm")(t)
	for name, test := range map[string]struct {
		without       bool
		session, kept string // what alice's session has
	}{
		"with the line":    {false, fmt.Sprint(world.Alice.UID, " _ses"), "seed"},
		"without the line": {true, "0 _ses", "root's own"},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			r := sessions.NewRing(t)
			r.Keep(t, world.Alice)
			if err := r.Try(world.Hung, "keyctl", "add", "user", "kept.alice",
				"root's own", "@s"); err != nil {
				t.Fatal(err)
			}
			if lines := sessionLines(t, "lightdm"); find(lines, "pam_keyinit.so") >= 0 {
				t.Fatalf("not what this test was written for: %q", lines)
			}
			if test.without {
				withoutLine(t)
			}
			lightdm(t, r)
			l := login{r, world.Alice, 1, world.Hung, "x"}
			if err := lightdmLogin(l); err != nil {
				t.Fatal(err)
			}
			reports := sessions.AwaitReports(t, world.Alice, 1, world.Hung)
			if len(reports) != 1 || reports[0].Session != test.session ||
				reports[0].Kept != test.kept {
				t.Errorf("%+v", reports)
			}
		})
	}
}
