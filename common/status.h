/* SPDX-License-Identifier: BSD-3-Clause
 * The four outcomes every function that can fail returns; they are also the exit statuses. */
#ifndef COMMON_STATUS_H
#define COMMON_STATUS_H

enum status {
    STATUS_OK = 0,     /* done */
    STATUS_FOUND = 1,  /* the analysis found something that fails what was asked */
    STATUS_INPUT = 2,  /* wrong usage or unreadable input */
    STATUS_SYSTEM = 3, /* internal or environment failure */
};

#endif
