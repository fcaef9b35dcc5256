/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define TOOLCHAIN_VERSION "0.1.0"

#endif
