#include <stdlib.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "record.h"

static void free_record(pam_handle_t *pamh, void *record, int error_status)
{
	(void)pamh, (void)error_status;
	free(record);
}

struct pp_record *pp_record(pam_handle_t *pamh, struct pp_record *spare)
{
	static const char name[] = "pam_persistent";
	static const struct pp_record empty = { .uid = PP_NO_UID };
	struct pp_record *record;
	const void *kept = 0;
	int error = PAM_BUF_ERR;

	if (pam_get_data(pamh, name, &kept) == PAM_SUCCESS && kept)
		return (struct pp_record *)kept; /* pam_get_data() adds the const */
	*spare = empty;
	record = malloc(sizeof *record);
	if (record) {
		*record = empty;
		error = pam_set_data(pamh, name, record, free_record);
	}
	if (error == PAM_SUCCESS)
		return record;
	pam_syslog(pamh, LOG_ERR, "pam_set_data: %s", pam_strerror(pamh, error));
	free(record);
	return spare;
}
