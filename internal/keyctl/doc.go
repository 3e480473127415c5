// Package keyctl is a typed interface to the keyrings of the Linux kernel.
//
// The layer is thin: a function makes one system call, and returns what the
// kernel answers. The caller decides on policy: whose keyring, which
// destination, how often to try again.
//
// # Credentials are per thread
//
// The session, process and thread keyrings and the user IDs that the kernel
// looks at belong to the calling thread, and a goroutine may change threads
// between any two calls. Code that uses [JoinSession], [Session], [Process] or
// [Thread], or that changes user IDs with raw system calls, must first bind its
// goroutine to its thread with runtime.LockOSThread.
//
// # Errors
//
// Failures of the kernel are of type [*Error] and carry the errno, so that
// errors.Is(err, unix.ENOKEY) works. Any call that names a key may give
//
//   - ENOKEY: there is no such key, or it was invalidated or garbage collected,
//   - EKEYEXPIRED, EKEYREVOKED: the key has expired or was revoked, and the garbage
//     collector has not removed it yet (keyrings(7), gc_delay),
//   - EACCES: the key does not grant the caller the permission that the call needs,
//   - EINVAL: the serial is below 1 and not one of the special numbers,
//   - ENOMEM: the kernel has no memory,
//   - ENOSYS: the kernel was built without keys,
//   - EPERM: a seccomp filter forbids the call, as many container runtimes do,
//
// and a call that takes a keyring gives ENOTDIR for a key of another type. The
// functions below list only the errors that are special to them.
//
// Text of the kernel that does not have the documented form is a [*ParseError].
package keyctl
