/* The Nexmark generator: what event number n is, made without the events before it.
 *
 * Event numbers count from 1. Ids, kinds and times are closed formulas of the number; everything
 * else follows from the seed and the number, each field from draws of its own. So any range can be
 * made by any thread that has a generator, and the rows do not depend on who makes them.
 *
 * Source: the Nexmark benchmark (github.com/nexmark/nexmark), whose formulas these are; its values
 * are drawn without a seed, so rows agree with it by their figures and not one by one. */
#ifndef CONNECTORS_NEXMARK_GENERATOR_H
#define CONNECTORS_NEXMARK_GENERATOR_H

#include "core/batch.h"

typedef enum NexmarkKind {
    NEXMARK_PERSON,
    NEXMARK_AUCTION,
    NEXMARK_BID,
    NEXMARK_KINDS
} NexmarkKind;

/* Most fields a kind has. */
#define NEXMARK_FIELDS_MAX 10

typedef struct NexmarkField {
    const char *name;
    enum { NEXMARK_BIGINT, NEXMARK_TEXT, NEXMARK_TIME } form;
} NexmarkField;

/* The fields of a kind, in order; ends with a name of NULL. */
const NexmarkField *nexmark_fields(NexmarkKind kind);

typedef struct NexmarkConfig {
    uint64_t seed;
    uint32_t shares[NEXMARK_KINDS]; /* events of each kind in a round; not all 0 */
    uint64_t sizes[NEXMARK_KINDS];  /* bytes an event of the kind is padded to, on average */
    uint32_t rate;                  /* events per second of event time */
    int64_t base_ms;                /* time of the first event, since 1970 */
    uint32_t hot_auctions;          /* 1 in so many bids goes to an auction that is not hot */
    uint32_t hot_bidders;
    uint32_t hot_sellers;
} NexmarkConfig;

typedef struct NexmarkGenerator NexmarkGenerator;

/* Makes the pools that text is cut from, as far as they are read later: up to 3 MB and some
 * milliseconds. */
NexmarkGenerator *nexmark_generator_new(const NexmarkConfig *config);
void nexmark_generator_free(NexmarkGenerator *generator);

/* The event's kind and its time in milliseconds since 1970. */
NexmarkKind nexmark_kind(const NexmarkGenerator *generator, uint64_t number);
int64_t nexmark_time_ms(const NexmarkGenerator *generator, uint64_t number);

/* Where the rows of a range go. A NULL vector is not wanted. Vectors have room for the rows; those
 * of other kinds become NULL in them. The same vectors may be filled again and again: in those of a
 * kind that few events are of, only the rows of the range before are made NULL. */
typedef struct NexmarkRows {
    Vector *event_type; /* INT: 0 person, 1 auction, 2 bid */
    Vector *rows[NEXMARK_KINDS];
    Vector *fields[NEXMARK_KINDS][NEXMARK_FIELDS_MAX];
    uint64_t first; /* the range that was filled in last */
    uint32_t count; /* 0: none has been */
} NexmarkRows;

/* Makes events first … first + count - 1, as many as there is room for at most. Text borrows from
 * the arena and from nexmark_pool, the bitmaps of NULLs belong to the arena of the vectors. */
void nexmark_fill(const NexmarkGenerator *generator, uint64_t first, uint32_t count,
                  NexmarkRows *rows, Arena *vectors, Arena *texts);

/* What the text of all events is cut from: a batch without rows that whoever borrows holds. */
Batch *nexmark_pool(const NexmarkGenerator *generator);

#endif
