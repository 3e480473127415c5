package hosts

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// Daemons that limit the address space of the process that calls PAM. Their sessions run no
// commands, so a module at the end of the stack runs the probe.
var mailAndFiles = []host{
	{name: "vsftpd", setUp: probedBy("vsftpd"), start: vsftpd, login: marked(ftp),
		plain: "fails",
		note:  "session_support=YES; its own 200 MB of address space"},
	{name: "proftpd", setUp: probedBy("proftpd"), start: proftpd, login: marked(ftp),
		plain: "fails",
		note:  "RLimitMemory session 128M"},
	{name: "dovecot", setUp: probedBy("dovecot"), start: dovecot, login: marked(imap),
		plain: "fails",
		note:  "session=yes; its own 256 MB of address space"},
}

// probedBy adds a line that runs the probe to the end of the service file.
func probedBy(service string) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		stock, err := os.ReadFile("/etc/pam.d/" + service)
		if err != nil {
			t.Fatal(err)
		}
		sh(t, `gcc -std=gnu11 -Wall -Wextra -Werror -O2 -shared -fPIC \
			-o /home/pam_look.so "$1" -lpam`,
			world.Root+"/tests/systems/hosts/testdata/pam_look.c")
		world.WriteService(t, service,
			string(stock)+"session optional /home/pam_look.so /home/probe-from-pam "+
				"MARK\n")
	}
}

// marked puts the mark into the service file. Logins that should hang are opened all at the same
// time.
func marked(one func(login) error) func(testing.TB, login) []error {
	return func(t testing.TB, l login) []error {
		t.Helper()
		sh(t, `sed -i "s|\(/home/probe-from-pam\) .*|\1 $1|" \
			/etc/pam.d/vsftpd /etc/pam.d/proftpd /etc/pam.d/dovecot`, l.mark)
		var all sync.WaitGroup
		var failed []error
		var lock sync.Mutex
		for range l.n {
			if l.limit > patient {
				all.Wait()
				if len(failed) > 0 {
					return failed
				}
			}
			all.Add(1)
			go func() {
				defer all.Done()
				err := one(l)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					err = fmt.Errorf("%w: %w", world.ErrHung, err)
				}
				if err != nil {
					lock.Lock()
					failed = append(failed, err)
					lock.Unlock()
				}
			}()
		}
		all.Wait()
		return failed
	}
}

var netPort string

// limited returns the command of a daemon that sets a hard limit. The child needs CAP_SYS_RESOURCE
// to raise it again. If root lacks that, as in many containers, a library turns the hard limit into
// a soft one; [TestHardLimit] is about the hard limit.
func limited(t testing.TB, command ...string) []string {
	t.Helper()
	if hard {
		return append([]string{"setpriv", "--bounding-set=-sys_resource", "--"}, command...)
	}
	if strings.Contains(sh(t, "setpriv --dump"), "sys_resource") {
		return command
	}
	t.Log("root lacks CAP_SYS_RESOURCE here: the daemon's limit is made a soft one")
	sh(t, `gcc -std=gnu11 -Wall -Wextra -Werror -O2 -shared -fPIC -o /home/soft.so "$1"`,
		world.Root+"/tests/systems/hosts/testdata/soft.c")
	return append([]string{"env", "LD_PRELOAD=/home/soft.so"}, command...)
}

func vsftpd(t testing.TB, r *sessions.Ring) {
	t.Helper()
	netPort = loopback.FreePort()
	r.Daemon(t, loopback.Listening("127.0.0.1:"+netPort),
		limited(t, "vsftpd", "/etc/vsftpd.conf", "-obackground=NO", "-olisten=YES",
			"-olisten_ipv6=NO", "-olisten_address=127.0.0.1", "-olisten_port="+netPort,
			"-osession_support=YES")...)
}

func proftpd(t testing.TB, r *sessions.Ring) {
	t.Helper()
	netPort = loopback.FreePort()
	world.Put(t, "/etc/proftpd/conf.d/hosts.conf",
		"DefaultAddress 127.0.0.1\nSocketBindTight on\nUseReverseDNS off\n"+
			"RLimitMemory session 128M\n", 0o644)
	sh(t, `sed -i "s/^Port .*/Port $1/; s/^UseIPv6 .*/UseIPv6 off/" /etc/proftpd/proftpd.conf`,
		netPort)
	r.Daemon(t, loopback.Listening("127.0.0.1:"+netPort),
		limited(t, "proftpd", "--nodaemon")...)
}

func dovecot(t testing.TB, r *sessions.Ring) {
	t.Helper()
	netPort = loopback.FreePort()
	world.Put(t, "/etc/dovecot/local.conf", `listen = 127.0.0.1
log_path = /home/dovecot.log
import_environment = $import_environment LD_PRELOAD
mail_location = mbox:~/mail:INBOX=~/inbox
service imap-login {
  inet_listener imap {
    port = `+netPort+`
  }
  inet_listener imaps {
    port = 0
  }
}
`, 0o644)
	sh(t, `conf=/etc/dovecot/conf.d/auth-system.conf.ext
		grep -q "^  args = session=yes" $conf ||
			sed -i '0,/driver = pam/s//&\n  args = session=yes dovecot/' $conf`)
	r.Daemon(t, loopback.Listening("127.0.0.1:"+netPort), limited(t, "dovecot", "-F")...)
}

func dial(port string, limit time.Duration) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, limit)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(limit))
	}
	return conn, err
}

// ftp logs in, fetches a file and logs out.
func ftp(l login) error {
	conn, err := dial(netPort, l.limit)
	if err != nil {
		return err
	}
	defer conn.Close()
	control := textproto.NewConn(conn)
	say := func(code int, command string) (string, error) {
		if err := control.PrintfLine("%s", command); err != nil {
			return "", err
		}
		_, text, err := control.ReadResponse(code)
		if err != nil {
			err = fmt.Errorf("%s: %w", command, err)
		}
		return text, err
	}
	if _, _, err := control.ReadResponse(220); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	if _, err := say(331, "USER "+l.user.Name); err != nil {
		return err
	}
	if _, err := say(230, "PASS "+world.Password); err != nil {
		return err
	}
	if _, err := say(200, "TYPE I"); err != nil {
		return err
	}
	text, err := say(227, "PASV")
	if err != nil {
		return err
	}
	var high, low int
	if _, err := fmt.Sscanf(text[strings.IndexByte(text, '('):], "(127,0,0,1,%d,%d)", &high,
		&low); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	data, err := dial(fmt.Sprint(high<<8|low), l.limit)
	if err != nil {
		return err
	}
	defer data.Close()
	if _, err := say(150, "RETR file"); err != nil {
		return err
	}
	got, err := io.ReadAll(data)
	data.Close() // proftpd waits for this
	if string(got) != "file of "+l.user.Name+"\n" {
		return fmt.Errorf("RETR: %q, %v", got, err)
	}
	if _, _, err := control.ReadResponse(226); err != nil {
		return fmt.Errorf("end of transfer: %w", err)
	}
	_, err = say(221, "QUIT")
	return err
}

// imap logs in, sends a command and logs out.
func imap(l login) error {
	conn, err := dial(netPort, l.limit)
	if err != nil {
		return err
	}
	defer conn.Close()
	talk := textproto.NewConn(conn)
	for tag, command := range []string{"LOGIN " + l.user.Name + ` "` + world.Password + `"`,
		`LIST "" *`, "LOGOUT"} {
		if err := talk.PrintfLine("%d %s", tag, command); err != nil {
			return err
		}
		for {
			line, err := talk.ReadLine()
			if err != nil {
				return fmt.Errorf("%s: %w", command, err)
			}
			if status, tagged := strings.CutPrefix(line, fmt.Sprint(tag, " ")); tagged {
				if !strings.HasPrefix(status, "OK") {
					return fmt.Errorf("%s: %s", command, line)
				}
				break
			}
		}
	}
	return nil
}
