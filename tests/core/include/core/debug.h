/* SPDX-License-Identifier: BSD-3-Clause
 * Messages of the core itself: uk_pr_info("mounted /"), nothing unless LIBUKDEBUG_PRINTK is on. */
#ifndef CORE_DEBUG_H
#define CORE_DEBUG_H

#ifdef CONFIG_LIBUKDEBUG_PRINTK
void uk_debug_message(const char *library, const char *text);
#define uk_pr_info(text) uk_debug_message(__FILE_NAME__, text)
#else
#define uk_pr_info(text) ((void)0)
#endif

#endif
