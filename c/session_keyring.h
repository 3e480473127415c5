#ifndef PP_SESSION_KEYRING_H
#define PP_SESSION_KEYRING_H

#include <stdint.h>
#include <sys/types.h>

/* pp_join_session_keyring gives the calling thread a new, empty session keyring that nobody else
 * has. The kernel makes the thread's real UID its owner. Returns the serial, or -errno: then the
 * thread keeps the session keyring that it had. */
int64_t pp_join_session_keyring(void);

/* pp_is_session_keyring tells whether `keyring` is the session keyring of the calling thread. It
 * looks from a guard, because looking installs `_uid_ses.<UID>` in a process without a session
 * keyring. */
int pp_is_session_keyring(int32_t keyring);

/* pp_reset_timer resets the expiry timer of uid's persistent keyring. `keyring` is the session
 * keyring that has the link. If the calling thread cannot write to it, a guard resets the timer
 * through a keyring of its own. Returns 1 if the timer was reset. */
int pp_reset_timer(uid_t uid, int32_t keyring);

/* pp_clear_keyring removes all links from a keyring that the calling thread possesses. */
void pp_clear_keyring(int32_t keyring);

#endif
