#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "leave.h"
#include "record.h"

static void end(pam_handle_t *pamh, void *record, int error_status)
{
	int cancel, saved = errno;

	/* A thread cancelled meanwhile would leave a guard behind. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (!(error_status & (PAM_DATA_SILENT | PAM_DATA_REPLACE)))
		pp_leave(pamh, record);
	free(record);
	pthread_setcancelstate(cancel, 0);
	errno = saved;
}

struct pp_record *pp_record(pam_handle_t *pamh, struct pp_record *spare)
{
	/* The number is the version of the layout, because two versions of the module's file may
	 * serve one handle. */
	static const char name[] = "pam_persistent.2";
	static const struct pp_record empty = { .uid = PP_NO_UID, .closed_uid = PP_NO_UID };
	struct pp_record *record;
	const void *kept = 0;
	int error = PAM_BUF_ERR;

	if (pam_get_data(pamh, name, &kept) == PAM_SUCCESS && kept)
		return (struct pp_record *)kept; /* pam_get_data() adds the const */
	*spare = empty;
	record = malloc(sizeof *record);
	if (record) {
		*record = empty;
		error = pam_set_data(pamh, name, record, end);
	}
	if (error == PAM_SUCCESS)
		return record;
	pam_syslog(pamh, LOG_ERR, "pam_set_data: %s", pam_strerror(pamh, error));
	free(record);
	return spare;
}

void pp_forget(struct pp_record *record)
{
	record->uid = PP_NO_UID;
	record->user[0] = 0;
}
