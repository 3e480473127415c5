// Package keyctl gives the keyrings of the Linux kernel typed Go names.
//
// It is a thin layer: one function is one system call, and what the kernel
// answers is what the caller gets. Policy (whose keyring, which destination,
// how often to try again) is the caller's.
//
// # Credentials are per thread
//
// The session, process and thread keyrings and the user IDs that the kernel
// looks at belong to the calling thread, and a goroutine may change threads
// between any two calls. Whoever uses [JoinSession], [Session], [Process] or
// [Thread], or switches user IDs with raw system calls, must first bind the
// goroutine to its thread with runtime.LockOSThread.
//
// # Errors
//
// Failures of the kernel are of type [*Error] and carry the errno, so that
// errors.Is(err, unix.ENOKEY) works. Any call that names a key may give
//
//   - ENOKEY: there is no such key (never was, collected, or invalidated),
//   - EKEYEXPIRED, EKEYREVOKED: it has expired or was revoked, and the collector
//     has not taken it yet (keyrings(7), gc_delay),
//   - EACCES: it does not grant the caller the permission that the call needs,
//   - EINVAL: a number below 1 that is no special one,
//   - ENOMEM: the kernel has no memory,
//   - ENOSYS: the kernel was built without keys,
//   - EPERM: a seccomp filter forbids the call, as many container runtimes do,
//
// and a call that takes a keyring gives ENOTDIR for a key that is none. The
// functions below list only what is special to them.
//
// Text that the kernel should not have written is reported as [*ParseError].
package keyctl
