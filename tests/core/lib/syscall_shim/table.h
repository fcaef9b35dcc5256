/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SHIM_TABLE_H
#define SHIM_TABLE_H

enum { SHIM_CALLS = 512 };
typedef long (*shim_function)(long, long, long, long, long, long);
/* By number; NULL: the configuration does not provide the call. */
extern const shim_function shim_functions[SHIM_CALLS];
extern const unsigned char shim_arguments[SHIM_CALLS];
extern const char *const shim_names[SHIM_CALLS];

#endif
