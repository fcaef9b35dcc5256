/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/console.h>
#include <core/debug.h>

void uk_debug_message(const char *library, const char *text)
{
    uk_console_text("[");
    uk_console_text(library);
    uk_console_text("] ");
    uk_console_text(text);
    uk_console_text("\n");
}
