package beside

// pam_cifscreds keeps the password from authentication to the opening of the session, and then puts
// it into the session keyring, as a logon key for the server. With a multiuser mount the kernel
// looks it up there, in the keyrings of the process that opens a file.
var cifscreds = neighbour{
	host: "sshd", module: "pam_cifscreds", packages: []string{"cifs-utils"},
	auth:    "auth optional pam_cifscreds.so\n",
	session: "session optional pam_cifscreds.so host=192.0.2.1\n",
	look:    "keyctl show @s; /home/where logon cifs:a:192.0.2.1",
	works:   inSession, lost: map[place]string{before: notReached, authOnly: notReached},
	others: []place{authToo, authOnly},
	note:   "the session does not reach the neighbour's logon key",
}
