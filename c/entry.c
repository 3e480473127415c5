/* The functions that libpam calls. */
#include <syslog.h>

#define PAM_SM_AUTH
#define PAM_SM_SESSION
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "call.h"

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return pp_call(pamh, PP_OPEN, PAM_SESSION_ERR, argc, argv);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return pp_call(pamh, PP_CLOSE, PAM_SESSION_ERR, argc, argv);
}

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argc, (void)argv;
	return PAM_IGNORE;
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	switch (flags &
		(PAM_ESTABLISH_CRED | PAM_DELETE_CRED | PAM_REINITIALIZE_CRED | PAM_REFRESH_CRED)) {
	case 0: /* pam_setcred(3): 0 means PAM_ESTABLISH_CRED */
	case PAM_ESTABLISH_CRED: return pp_call(pamh, PP_OPEN, PAM_CRED_ERR, argc, argv);
	case PAM_REINITIALIZE_CRED:
	case PAM_REFRESH_CRED: return pp_call(pamh, PP_REFRESH, PAM_CRED_ERR, argc, argv);
	case PAM_DELETE_CRED: return pp_call(pamh, PP_CLOSE, PAM_CRED_ERR, argc, argv);
	default:
		pam_syslog(pamh, LOG_ERR, "pam_setcred: contradictory flags %#x", flags);
		return PAM_CRED_ERR;
	}
}
