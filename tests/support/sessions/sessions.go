// Package sessions opens sessions in programs that people log in through, and tells what they see:
// each runs a probe, which reports its keyrings and reaches for the keys of others. What sessions
// leave behind is counted.
//
// A test calls [Prepare] in its world, starts programs from a [Ring], has users keep a key with
// [Ring.Keep], opens sessions that run [Probe], and wants each of the reports to be whole
// ([AwaitReports], [Report.Whole]).
package sessions

import "time"

// Until polls the condition, until the limit at most, and returns whether it has become true.
func Until(limit time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(limit); time.Now().
		Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return true
		}
	}
	return condition()
}
