/* SPDX-License-Identifier: BSD-3-Clause
 * A network for a run alone. Private to tracer/. */
#ifndef TRACER_NETWORK_H
#define TRACER_NETWORK_H

#include <stdbool.h>

/* Moves the calling thread, and what it starts, into a network of its own whose loopback address
 * works: every port is free there. false: not allowed here. */
bool network_private(void);
/* Whether that is allowed, found out in a child. */
bool network_possible(void);
/* Something listens there on the loopback address. */
bool network_port_taken(int port);

#endif
