/* SPDX-License-Identifier: BSD-3-Clause
 * Debug information through libdw: source lines and compile units. */
#ifndef MEMANALYSER_DWARF_INFO_H
#define MEMANALYSER_DWARF_INFO_H

#include "memanalyser/image.h"

void debug_info_close(struct image *image);

#endif
