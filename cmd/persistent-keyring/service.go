package main

import (
	"strings"

	"pam_persistent/internal/phrase"
)

// checkService takes what libpam can find a file by.
func checkService(service string) error {
	if service == "" || strings.ContainsAny(service, "/\x00") ||
		strings.HasPrefix(service, ".") {
		return usagef("service %s: not the name of a file in /etc/pam.d",
			phrase.Quote(service))
	}
	return nil
}
