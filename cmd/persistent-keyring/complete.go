package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pam_persistent/internal/pamconf"
)

// completeUsers offers the users of the local file; a directory service may have too many.
func completeUsers(_ *cobra.Command, _ []string, begin string) (names []string,
	_ cobra.ShellCompDirective) {
	text, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, ":")
		if strings.HasPrefix(name, begin) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func completeServices(_ *cobra.Command, _ []string, begin string) (names []string,
	_ cobra.ShellCompDirective) {
	services, _ := pamconf.System.Services()
	for _, service := range services {
		if strings.HasPrefix(service, begin) {
			names = append(names, service)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func completeNothing(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}
