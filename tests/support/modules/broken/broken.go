// The C half of the module with children that go wrong, each in the way that the first option of
// the line names.
package main

/*
#include <string.h>

#include "../../../../c/child.h"

static void scribble(void)
{
	memset(pp_begin()->reply, 0xa5, sizeof *pp_begin()->reply);
	pp_begin()->reply->complete = PP_COMPLETE;
}

static void fault(void)
{
	*(volatile int *)8 = 1;
}

static void complete_success(void)
{
	pp_begin()->reply->status = PAM_SUCCESS;
	pp_begin()->reply->complete = PP_COMPLETE;
}
*/
import "C"

import (
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/c"
)

func init() {
	call := c.Begin()
	if call == nil {
		return
	}
	switch call.Options()[0] {
	case "segfault":
		C.fault()
	case "abort":
		unix.Kill(os.Getpid(), unix.SIGABRT)
	case "throw": // recover() cannot catch this
		new(sync.Mutex).Unlock()
	case "panic":
		panic("of the test")
	case "exit0": // without a reply
		unix.Exit(0)
	case "exit2":
		unix.Exit(2)
	case "hang":
		time.Sleep(time.Hour)
	case "stop":
		unix.Kill(os.Getpid(), unix.SIGSTOP)
	case "wrong-code":
		call.Done(4711)
	case "reset-for-nobody": // allows the short way to close for (uid_t)-1
		call.AllowReset()
		call.Done(c.Success)
	case "success-then-die":
		C.complete_success()
		unix.Kill(os.Getpid(), unix.SIGKILL)
	case "noise":
		for i := 0; i < 100; i++ {
			call.Log(c.Error, "line of a noisy child")
		}
		call.Done(c.Success)
	case "environment": // not broken: shows what it sees
		for _, variable := range os.Environ() {
			call.Log(c.Error, variable)
		}
		call.Done(c.Success)
	case "secrets": // not broken: shows how it protects the host's secrets
		dumpable, _, _ := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_DUMPABLE, 0, 0)
		var core unix.Rlimit
		unix.Getrlimit(unix.RLIMIT_CORE, &core)
		call.Log(c.Error, "dumpable "+strconv.Itoa(int(dumpable))+
			", core limit "+strconv.Itoa(int(core.Max)))
		call.Done(c.Success)
	case "print": // as a name service module may
		os.Stdout.WriteString("out\n")
		os.Stderr.WriteString("err\n")
		call.Done(c.Success)
	case "rubbish":
		C.scribble()
		unix.Exit(0)
	}
	select {}
}

func main() {}
