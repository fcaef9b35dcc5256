/* SPDX-License-Identifier: BSD-3-Clause */
#include "boot_private.h"
#include <core/console.h>

static const char picture[] = "   .------------------------.\n"
                              "  /________________________/|\n"
                              "  |                        ||\n"
                              "  |       B E N C H        ||\n"
                              "  |________________________|/\n"
                              "    ||                  ||\n"
                              "    ||                  ||\n";

void ukboot_banner(void)
{
    uk_console_text(picture);
    uk_console_text("Bench core " CONFIG_UK_FULLVERSION "\n");
}
