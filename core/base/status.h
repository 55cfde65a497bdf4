// SPDX-License-Identifier: Apache-2.0
/* What every fallible function of the core returns. */
#ifndef XT_STATUS_H
#define XT_STATUS_H

typedef enum {
    XT_OK = 0,
    XT_NOMEM,       /* an allocation failed; nothing was changed */
    XT_CORRUPT,     /* bytes from outside break their format */
    XT_IO,          /* the system refused; errno says why */
    XT_UNSUPPORTED, /* well formed, but not something this version knows */
} xt_status;

/* A short English name for a status, for logs. Static storage. */
const char *xt_status_name(xt_status status);

#endif
