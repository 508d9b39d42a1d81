/* backoff.h -- exponential delay with full jitter; pure, so that tests can predict it. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t base_ms; /* ceiling of the first delay */
	int64_t cap_ms;  /* ceiling of any delay */
};

/* attempt counts from 1. A value in [ceiling/2, ceiling], ceiling = base * 2^(attempt-1) up to cap;
 * the same seed gives the same delay. */
int64_t backoff_ms(const struct backoff *b, int attempt, uint64_t seed);
/* A seed from the kernel. */
uint64_t backoff_seed(void);

#endif
