#ifndef PP_SESSION_KEYRING_H
#define PP_SESSION_KEYRING_H

#include <stdint.h>
#include <sys/types.h>

/* pp_join_session_keyring gives the calling thread a new, empty session keyring that no other
 * thread has. The kernel makes the thread's real UID its owner. Returns the serial, or -errno: then
 * the thread keeps the session keyring that it had. The call never waits. */
int64_t pp_join_session_keyring(void);

/* pp_is_session_keyring returns 1 if `keyring`, which the thread `joined_by` has joined, is the
 * session keyring of the calling thread, 0 if it is not, and -1 if that is unknown, for example
 * because it was revoked. A thread other than `joined_by` looks from a guard, because looking
 * installs `_uid_ses.<UID>` in a process without a session keyring. */
int pp_is_session_keyring(int32_t keyring, pid_t joined_by);

/* pp_finds_persistent reports whether the calling thread can find uid's persistent keyring in its
 * session keyring. Returns 1 if that is unknown. */
int pp_finds_persistent(uid_t uid);

/* pp_reset_timer resets the expiry timer of uid's persistent keyring, through a keyring of a
 * worker. `linked` is a session keyring that holds the link to it, or 0: it is used if the caller's
 * quota has no room for another link. Returns 1 if the timer was reset, 0 if not, and -1 if that
 * took too long. */
int pp_reset_timer(uid_t uid, int32_t linked);

/* pp_clear_keyring removes all links from a keyring that the calling thread possesses. Returns 1 if
 * it succeeded, 0 if not, and -1 if that took too long. */
int pp_clear_keyring(int32_t keyring);

#endif
