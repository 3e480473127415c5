// Package sessions opens sessions in programs through which people log in, and reports what they
// see: each runs a probe, which reports its keyrings and tries to reach the keys of others. It also
// counts what sessions leave behind.
//
// A test calls [Prepare] in its world, starts programs from a [Ring], has users keep a key with
// [Ring.Keep], opens sessions that run [Probe], and checks that each of the reports is whole
// ([AwaitReports], [Report.Whole]).
package sessions

import "time"

// Until polls the condition, until the limit at most, and reports whether it became true.
func Until(limit time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(limit); time.Now().
		Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return true
		}
	}
	return condition()
}
