/* Replaces MIT Kerberos's internal header, which only its own configure completes: what its tests
 * of credential caches use of it. */
#ifndef SHIM_K5_INT_H
#define SHIM_K5_INT_H

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <com_err.h>
#include <krb5.h>

extern const krb5_cc_ops *krb5_cc_dfl_ops;
krb5_error_code krb5_cc_register(krb5_context, const krb5_cc_ops *, krb5_boolean);

#endif
