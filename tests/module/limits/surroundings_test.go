package limits

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// inMounts returns the words before a command that run it in its own mount namespace, after the
// script has changed that.
func inMounts(script string) []string {
	return []string{"unshare", "--mount", "--propagation", "private", "sh", "-ec",
		script + "\nexec \"$@\"", "sh"}
}

// emptyDev returns a script that covers /dev except for the named files.
func emptyDev(keep ...string) string {
	script := "mkdir -p /run/lock/kept && mount -t tmpfs none /run/lock/kept\n"
	for _, name := range keep {
		script += ": >/run/lock/kept/" + name + "; mount --bind /dev/" + name +
			" /run/lock/kept/" + name + "\n"
	}
	return script + "mount --move /run/lock/kept /dev; rmdir /run/lock/kept"
}

// A host whose file system lacks the usual files: a container, a chroot, a rescue system.
func TestSurroundings(t *testing.T) {
	for name, script := range map[string]string{
		"no /proc":          "mount -t tmpfs none /proc",
		"no /sys":           "mount -t tmpfs none /sys",
		"no /proc, no /dev": emptyDev() + "\nmount -t tmpfs none /proc",
		"no /dev":           emptyDev(),
		"no /dev/null":      emptyDev("log"),
		"no /dev/log":       emptyDev("null"),
		"/dev/null a file":  emptyDev("log") + "\necho text >/dev/null; chmod 0 /dev/null",
		"read-only": "mount -o remount,bind,ro /; mount -o remount,bind,ro /dev; " +
			"mount -o remount,bind,ro /etc",
		"no /tmp, no /run": world.Emptied("/tmp", "/run") +
			"mount -o remount,ro /tmp; mount -o remount,ro /run",
		"deleted directory": "mkdir /home/gone; cd /home/gone; rmdir /home/gone",
	} {
		eachStack(t, name, func(t *testing.T) {
			l := logIn(t, inMounts(script),
				"open-log ring root start alice state open same tree")
			l.works(t)
		})
	}
}

var library = regexp.MustCompile(`(/\S+) \(0x`) // in the output of ldd(1)

// smallRoot makes a root directory with only what a login needs.
func smallRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	files := []string{"/etc/passwd", "/etc/group", "/etc/nsswitch.conf",
		"/etc/pam.d/" + world.ServiceName}
	for _, object := range []string{"tests/pamhost", "pam_persistent.so"} {
		file := world.Built(t, object)
		files = append(files, file)
		for _, found := range library.FindAllStringSubmatch(world.Run(t, "ldd", file), -1) {
			files = append(files, found[1])
			if strings.HasPrefix(filepath.Base(found[1]), "libpam.so") {
				files = append(files,
					filepath.Dir(found[1])+"/security/pam_keyinit.so")
			}
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(root+file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+file, text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestChroot(t *testing.T) {
	for name, commands := range map[string]string{
		"before start": "open-log ring root chroot DIR start alice state open same tree",
		"before open":  "open-log ring root start alice chroot DIR state open same tree",
	} {
		eachStack(t, name, func(t *testing.T) {
			logIn(t, nil, strings.ReplaceAll(commands, "DIR", smallRoot(t))).works(t)
		})
	}
	// A daemon in an empty root directory cannot look up the user.
	t.Run("empty", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
		l := logIn(t, nil,
			"open-log ring root start alice chroot "+t.TempDir()+" state open same "+
				"tree")
		l.fails(t, "user_unknown", `notice: unknown user "alice"`)
	})
}
