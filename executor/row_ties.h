/* Which of many rows with one sort key a row is.
 *
 * A retraction names a row by its columns. Where it stands among those with its sort key says only
 * its arrival, which is not among them. A few such rows are looked through; where there are more
 * they come into an index: partition and sort key → hash of the row, arrival. It is made when
 * somebody has looked through too many, kept up to date from then on, and no part of a checkpoint.
 *
 * Invariant: a group in the index has all of its rows there. Rows with a TTL expire without a word,
 * a partition at once: what is left of it here is dropped when its sort keys begin anew, or when
 * nothing was entered for the TTL.
 *
 * Cost: the rows of a sort key once; from then on two searches for a row that comes, goes or is
 * looked for among them, and some 80 bytes for each of them. Nothing while there are no such sort
 * keys. */
#ifndef EXECUTOR_ROW_TIES_H
#define EXECUTOR_ROW_TIES_H

#include "state/state.h"

typedef struct RowTies RowTies;

/* So many rows are looked through before the index is asked. */
#define ROW_TIES_STEPS 48

/* With a TTL, that of the rows in milliseconds, groups are forgotten like these: nobody says so. */
RowTies *row_ties_new(Arena *arena, int64_t ttl_ms);
void row_ties_free(RowTies *ties); /* may be NULL */

/* Says what time it is, before a batch. */
void row_ties_advance(RowTies *ties, int64_t now_us);

/* The rows with a sort key in a partition. */
typedef struct RowTiesGroup {
    Str partition;
    Str sort_key; /* without an arrival */
} RowTiesGroup;

/* Whether the group is in the index. */
bool row_ties_has(RowTies *ties, const RowTiesGroup *group);
/* Enters a row, and the group with it. */
void row_ties_add(RowTies *ties, const RowTiesGroup *group, Str row, uint64_t arrival);
/* A row has come, and its group begins with it or was there; or it goes. Nothing where the group is
 * not in the index. */
void row_ties_come(RowTies *ties, const RowTiesGroup *group, Str row, uint64_t arrival,
                   bool begins);
void row_ties_go(RowTies *ties, const RowTiesGroup *group, Str row, uint64_t arrival);
/* The least, or greatest, arrival of such a row; false: there is none. Of rows that differ but have
 * the same hash it may be another's. */
bool row_ties_find(RowTies *ties, const RowTiesGroup *group, Str row, bool last, uint64_t *arrival);

#endif
