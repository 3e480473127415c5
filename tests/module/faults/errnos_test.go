package faults

import "golang.org/x/sys/unix"

// errnos are the errors that the manual pages list for the system calls of the module. A call that
// the kernel never fails (getresuid with good addresses, setfsuid) has the errors that a seccomp
// filter would return.
var errnos = map[string][]unix.Errno{
	"capget":      {unix.EPERM, unix.EINVAL, unix.EFAULT},
	"capset":      {unix.EPERM, unix.EINVAL, unix.EFAULT},
	"clone":       {unix.EAGAIN, unix.ENOMEM, unix.EPERM, unix.ENOSPC, unix.ENOSYS},
	"clone3":      {unix.EAGAIN, unix.ENOMEM, unix.EPERM},
	"close":       {unix.EBADF, unix.EINTR, unix.EIO},
	"close_range": {unix.EINVAL, unix.EMFILE, unix.ENOMEM, unix.ENOSYS, unix.EPERM},
	"dup2":        {unix.EBADF, unix.EBUSY, unix.EINTR, unix.EMFILE},
	"getcpu":      {unix.EFAULT, unix.EPERM},
	"getpid":      {unix.EPERM},
	"getppid":     {unix.EPERM},
	"getresgid":   {unix.EPERM},
	"getresuid":   {unix.EPERM},
	"keyctl": {unix.EACCES, unix.EDQUOT, unix.EINVAL, unix.EKEYEXPIRED,
		unix.EKEYREVOKED, unix.ENOKEY, unix.ENOMEM, unix.ENOSYS, unix.EOPNOTSUPP,
		unix.EPERM, unix.ENFILE, unix.ELOOP, unix.EDEADLK},
	"mmap":              {unix.ENOMEM, unix.EAGAIN, unix.EPERM},
	"mprotect":          {unix.ENOMEM, unix.EACCES},
	"munmap":            {unix.EINVAL, unix.ENOMEM},
	"newfstatat":        {unix.EACCES, unix.ENOENT, unix.ENOMEM},
	"readlink":          {unix.EACCES, unix.ENOENT, unix.ENOMEM, unix.EINVAL},
	"open":              {unix.EMFILE},
	"openat":            {unix.EMFILE, unix.ENFILE, unix.ENOENT, unix.EACCES, unix.ENOMEM},
	"pipe2":             {unix.EMFILE, unix.ENFILE},
	"prctl":             {unix.EINVAL, unix.EPERM},
	"prlimit64":         {unix.EPERM, unix.EINVAL},
	"read":              {unix.EIO, unix.EINTR},
	"rt_sigaction":      {unix.EINVAL},
	"rt_sigprocmask":    {unix.EINVAL},
	"rt_sigtimedwait":   {unix.EAGAIN, unix.EINTR, unix.EINVAL},
	"sched_setaffinity": {unix.EINVAL, unix.EPERM, unix.ESRCH},
	"setfsgid":          {unix.EPERM},
	"setfsuid":          {unix.EPERM},
	"setgroups":         {unix.EPERM, unix.ENOMEM, unix.EINVAL},
	"setresgid":         {unix.EPERM, unix.EINVAL, unix.EAGAIN},
	"setresuid":         {unix.EPERM, unix.EINVAL, unix.EAGAIN},
	"wait4":             {unix.ECHILD, unix.EINTR, unix.EINVAL},
}

// others are calls between the marks that no test makes fail, with the reason.
var others = map[string]string{
	"exit_group": "cannot fail", "pause": "its failing is its end",
	"futex":     "the runtime's and glibc's own, between threads",
	"nanosleep": "the runtime's monitor thread", "sched_yield": "the runtime's",
	"gettid": "cannot fail", "madvise": "advice",
	"sigaltstack": "the runtime's", "rseq": "glibc's, for each thread",
	"set_robust_list":   "glibc's, for each thread",
	"sched_getaffinity": "the runtime's", "lseek": "the name service's",
	"pread64": "the runtime's",
	// libpam, which reports the session to the audit system, and pamhost, which prints
	"socket": "libpam", "sendto": "libpam", "recvfrom": "libpam", "poll": "libpam",
	"ioctl": "libpam", "fcntl": "libpam",
	"write": "pamhost",
}
