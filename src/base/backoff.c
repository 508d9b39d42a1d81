/* backoff.c -- exponential delay with jitter. */
#include "base/backoff.h"

#include <sys/random.h>

#include "base/clock.h"

#include "base/banned.h"

/* splitmix64: spreads neighbouring seeds over the whole range. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

int64_t
backoff_ms(const struct backoff *b, int attempt, uint64_t seed)
{
	int64_t ceiling = b->base_ms;
	for (int i = 1; i < attempt && ceiling < b->cap_ms; i++)
		ceiling = ceiling > b->cap_ms / 2 ? b->cap_ms : ceiling * 2;
	if (ceiling > b->cap_ms)
		ceiling = b->cap_ms;
	if (ceiling <= 0)
		return 0;
	int64_t half = ceiling / 2;
	uint64_t spread = (uint64_t)(ceiling - half) + 1;
	return half + (int64_t)(mix(seed + (uint64_t)attempt) % spread);
}

uint64_t
backoff_seed(void)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = (uint64_t)clock_mono_us();
	return seed;
}
