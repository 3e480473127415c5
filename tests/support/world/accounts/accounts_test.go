package accounts_test

import (
	"os"
	"path/filepath"
	"testing"

	"pam_persistent/tests/support/world/accounts"
)

func TestEntriesOfTheMachineLose(t *testing.T) {
	const passwd = "alice:x:2001:2001::/home/alice:/bin/sh\n" +
		"bob:x:2002:2002::/home/bob:/bin/sh\n"
	const shadow = "alice:HASH:19000:0:99999:7:::\n"
	const group = "alice:x:2001:\nbob:x:2002:\n"
	users := []string{"alice", "bob"}
	for _, test := range []struct{ what, got, want string }{
		{"nobody has name or UID",
			accounts.Passwd("root:x:0:0:root:/root:/bin/bash\n", passwd),
			"root:x:0:0:root:/root:/bin/bash\n" + passwd},
		{"the same name",
			accounts.Passwd("root:x:0:0::/:/bin/sh\n"+
				"alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n", passwd),
			"root:x:0:0::/:/bin/sh\n" + passwd},
		{"the same UID", accounts.Passwd("eve:x:2002:100::/home/eve:/bin/sh\n", passwd),
			passwd},
		{"the same UID, written in another way",
			accounts.Passwd("eve:x:002002:100::/home/eve:/bin/sh\n", passwd), passwd},
		{"only the GID", accounts.Passwd("eve:x:1000:2002::/:/bin/sh\n", passwd),
			"eve:x:1000:2002::/:/bin/sh\n" + passwd},
		{"a longer name", accounts.Passwd("alice2:x:20020:1::/:/bin/sh\n", passwd),
			"alice2:x:20020:1::/:/bin/sh\n" + passwd},
		{"no newline at the end", accounts.Passwd("eve:x:1000:1000::/:/bin/sh", passwd),
			"eve:x:1000:1000::/:/bin/sh\n" + passwd},
		{"other lines", accounts.Passwd("# comment\n\n+::::::\n", passwd),
			"# comment\n\n+::::::\n" + passwd},
		{"empty", accounts.Passwd("", passwd), passwd},
		{"shadow",
			accounts.ByName("root:*:19000:0:99999:7:::\nalice:!:18000:0:99999:7:::\n",
				shadow), "root:*:19000:0:99999:7:::\n" + shadow},
		{"group", accounts.Group("alice:x:1000:\nstaff:x:2002:\nusers:x:100:\n", group,
			users), "users:x:100:\n" + group},
		{"members", accounts.Group("sudo:x:27:eve,alice,bobby,bob\nadm:x:4:alice\n", group,
			users), "sudo:x:27:eve,bobby\nadm:x:4:\n" + group},
	} {
		if test.got != test.want {
			t.Errorf("%s:\n%swant\n%s", test.what, test.got, test.want)
		}
	}
}

func TestFilesOnly(t *testing.T) {
	const files = "passwd: files\nshadow: files\ngroup: files\n"
	for text, want := range map[string]string{
		"": files,
		"# comment\npasswd:\tsss files systemd\ngroup: ldap [NOTFOUND=return] files\n" +
			"hosts: files dns\n shadow : compat\ninitgroups: sss": files +
			"# comment\nhosts: files dns\n",
		"passwd_compat: nis\nnetgroup: sss\n": files +
			"passwd_compat: nis\nnetgroup: sss\n",
	} {
		if got := accounts.FilesOnly(text); got != want {
			t.Errorf("%q:\n%swant\n%s", text, got, want)
		}
	}
}

func TestInstall(t *testing.T) {
	etc := t.TempDir()
	for name, text := range map[string]string{"passwd": "alice:x:1:1::/:/bin/sh\n",
		"shadow": "alice:!:::::::\n", "group": "adm:x:4:alice\n"} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := accounts.Install(etc,
		accounts.Lines{Passwd: "alice:x:9:9::/:/bin/sh\n", Shadow: "alice:*:::::::\n",
			Group: "alice:x:9:\n"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"passwd": "alice:x:9:9::/:/bin/sh\n", "shadow": "alice:*:::::::\n",
		"group":         "adm:x:4:\nalice:x:9:\n",
		"nsswitch.conf": "passwd: files\nshadow: files\ngroup: files\n",
	} {
		if text, err := os.ReadFile(filepath.Join(etc, name)); err != nil ||
			string(text) != want {
			t.Errorf("%s: %v\n%swant\n%s", name, err, text, want)
		}
	}
}
