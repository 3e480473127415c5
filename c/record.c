#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "record.h"

static const char name[] = "pam_persistent";

struct pp_record *pp_find_record(pam_handle_t *pamh)
{
	const void *data = 0;

	/* libpam gives data back as const; it is the module's own. */
	return pam_get_data(pamh, name, &data) == PAM_SUCCESS ? (struct pp_record *)data : 0;
}

static void free_record(pam_handle_t *pamh, void *data, int error_status)
{
	struct pp_record *r = data;

	(void)pamh, (void)error_status;
	if (r)
		free(r->user);
	free(r);
}

struct pp_record *pp_make_record(pam_handle_t *pamh)
{
	struct pp_record *r = pp_find_record(pamh);
	int error = PAM_BUF_ERR;

	if (r)
		return r;
	r = calloc(1, sizeof *r);
	if (r) {
		r->uid = PP_NO_UID;
		error = pam_set_data(pamh, name, r, free_record);
	}
	if (error != PAM_SUCCESS) {
		pam_syslog(pamh, LOG_ERR, "pam_set_data: %s", pam_strerror(pamh, error));
		free(r);
		return 0;
	}
	return r;
}

void pp_record_joined(struct pp_record *r, int32_t keyring, const char *user)
{
	free(r->user);
	r->user = strdup(user);
	r->keyring = keyring;
	r->uid = PP_NO_UID;
}
