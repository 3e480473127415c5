#ifndef PP_SESSION_KEYRING_H
#define PP_SESSION_KEYRING_H

#include <stdint.h>
#include <sys/types.h>

/* pp_seen_session is the session keyring that cannot be a new session's own: the one of the moment when the module was loaded, or
 * the last one told to pp_see_session; -errno if looking failed. */
int64_t pp_seen_session(void);
void pp_see_session(int32_t serial);

/* Credentials of the calling thread that pp_become changes. */
struct pp_ids {
	uid_t ruid, euid, suid, fsuid;
	gid_t rgid, egid, sgid, fsgid;
};

/* pp_become makes uid:gid the real IDs of this thread alone (the owner that the kernel gives to a new keyring); pp_return
 * undoes it. Both give 0 or -errno; after a failed pp_become nothing has changed, after a failed pp_return the thread
 * must not go on. */
int pp_become(uid_t uid, gid_t gid, struct pp_ids *before);
int pp_return(const struct pp_ids *before);

struct pp_joined {
	int64_t serial;     /* of the new session keyring, or -errno: then the old one is still in place */
	int user_link;      /* -errno of linking the user keyring into it; 0: linked */
	int64_t persistent; /* serial of the persistent keyring linked into it, or -errno */
	int stuck;          /* the thread's IDs could not be put back */
};

/* pp_join_session gives this thread a new anonymous session keyring, owned and paid for by uid:gid, with that user's user
 * keyring linked into it, as pam_keyinit(8) does, and the persistent keyring. */
void pp_join_session(uid_t uid, gid_t gid, struct pp_joined *joined);

/* pp_link_persistent links the persistent keyring of uid into a session keyring, or, where it has the link already, restarts its
 * timer and no more. Returns its serial or -errno. */
int64_t pp_link_persistent(uid_t uid, int32_t session);

#endif
