/* refusal.h -- what the database's refusal of a call means for the data in it. */
#ifndef QUEUE_REFUSAL_H
#define QUEUE_REFUSAL_H

#include <stdbool.h>

#include "base/fault.h"

/*
 * Whether it is the data that the database will not have, for ever: SQLSTATE classes 22 (data), 23
 * (constraints), 54 (limits), or it could not even be sent. Every other refusal is the database's
 * own state, a missing right or function among them: somebody may mend it, and what was to be
 * written is kept until then.
 */
bool queue_is_about_data(const struct fault *f);

#endif
