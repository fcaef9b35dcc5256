/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
