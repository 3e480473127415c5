package main

import (
	"errors"
	"os"

	"pam_persistent/internal/machine"
	"pam_persistent/internal/phrase"
)

// versions are those of this command and of the module that libpam loads, one line each: after half
// an upgrade they differ.
func versions() string {
	text := "persistent-keyring " + versionOf("/proc/self/exe") + "\n"
	module := machine.ModulePath()
	if module == "" {
		return text + "libpam's directory of modules was not found\n"
	}
	return text + module + " " + versionOf(module) + "\n"
}

func versionOf(path string) string {
	found, err := machine.VersionOf(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "is not installed"
	case err != nil:
		return phrase.Error(err)
	}
	return found
}
