/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _SCHED_H
#define _SCHED_H

int sched_yield(void);

#endif
