package pamtester

import (
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// byDriver reports whether the host in Go knows all commands of the script.
func byDriver(s pamhost.Script) bool {
	return !slices.ContainsFunc(s.Commands, func(line string) bool {
		command, _, _ := strings.Cut(line, " ")
		_, known := driverCommands[command]
		return !known
	})
}

func TestScripts(t *testing.T) {
	module := world.Built(t, "pam_persistent.so")
	hosts := map[string]pamhost.Host{"C": {},
		"Go": {Under: []string{"/proc/self/exe"}, Path: driverArgument}}
	for _, s := range pamhost.Scripts(t) {
		for name, host := range hosts {
			if name == "Go" && !byDriver(s) {
				continue
			}
			t.Run(s.Name+"/"+name, func(t *testing.T) {
				world.ForgetKeys(t)
				world.Service(t, module, s.Service)
				s.Judge(t, host.Try(t, s.Commands...))
			})
		}
	}
}
