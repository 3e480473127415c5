package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"pam_persistent/internal/pamconf"
)

// firstUser is the first UID of people in most distributions (UID_MIN in login.defs(5)).
const firstUser = 1000

// completeUsers offers root and the people of the local file; a directory service may have too
// many. Accounts of daemons, and those who cannot log in, have no persistent keyring.
func completeUsers(_ *cobra.Command, _ []string, begin string) (names []string,
	_ cobra.ShellCompDirective) {
	text, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(text)) {
		field := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(field) < 7 || !strings.HasPrefix(field[0], begin) {
			continue
		}
		uid, err := strconv.ParseUint(field[2], 10, 32)
		shell := filepath.Base(field[6])
		if err == nil && (uid == 0 || uid >= firstUser) && shell != "nologin" &&
			shell != "false" {
			names = append(names, field[0])
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeServices offers the services that programs ask for: not the files that other services
// include, nor the one for services without a file.
func completeServices(_ *cobra.Command, _ []string, begin string) (names []string,
	_ cobra.ShellCompDirective) {
	services, _ := pamconf.System.Services()
	parts := []string{pamconf.Other}
	for _, service := range services {
		for _, kind := range pamconf.Kinds {
			for _, file := range pamconf.System.Stack(service, kind).Files {
				if name := filepath.Base(file); name != service {
					parts = append(parts, name)
				}
			}
		}
	}
	for _, service := range services {
		if strings.HasPrefix(service, begin) && !slices.Contains(parts, service) {
			names = append(names, service)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func completeNothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}
