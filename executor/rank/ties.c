/* RANK and DENSE_RANK: rows with equal sort keys share a number.
 *
 * Contract (Flink takes ROW_NUMBER only; this is the natural extension). The number of a row is one
 * more than the rows (RANK) or the different sort keys (DENSE_RANK) before it. When a row comes,
 * the rows behind it go first, in order: -U/+U where the number is shown and changes, -D for those
 * that fall out of the range, +I for those that move up to its lower end; then +I of the new row.
 * When a row goes, its -D comes first, then the rows behind it: -U/+U, +I for those that move in,
 * -D for those that fall below the lower end.
 *
 * Cost: logarithmic, and a row out for each row whose number changes or whose place is at an end
 * of the range; where numbers are not shown the rows between are not looked at. */
#include "executor/rank/rank.h"

/* The number that rows with this sort key have or would have. */
static uint64_t number_of(const Rank *rank, const RankPartition *partition, Str first_key)
{
    if (rank->distinct != NULL)
        return 1 + (uint64_t)state_tree_position(rank->distinct, partition->distinct,
                                                 rank_prefix(first_key));
    return 1 + (uint64_t)state_tree_position(rank->rows, partition->rows, first_key);
}

/* How many kept rows stand with the row's sort key. */
static uint32_t count_ties(const Rank *rank, const RankPartition *partition, Str sort_key)
{
    if (rank->distinct != NULL) {
        const int64_t *count =
            state_tree_find(rank->distinct, partition->distinct, rank_prefix(sort_key));
        return count == NULL ? 0 : (uint32_t)*count;
    }
    rank_first_arrival(sort_key);
    uint32_t from = state_tree_position(rank->rows, partition->rows, sort_key);
    StateCursor place;
    return rank_take_place(rank, partition, sort_key, &place) - from;
}

/* One row whose number goes from `old` to `now`. */
static bool give_moved(Rank *rank, const RankPartition *partition, RankRow *row, uint64_t old,
                       uint64_t now, Error *error)
{
    bool was_in = rank_in_range(rank, partition, old);
    bool is_in = rank_in_range(rank, partition, now);
    if (was_in && is_in)
        return !rank->plan->with_number || rank_give_pair(rank, row, old, row, now, error);
    if (was_in)
        return rank_give(rank, CHANGE_DELETE, row, old, error);
    return !is_in || rank_give(rank, CHANGE_INSERT, row, now, error);
}

/* The first kept row with exactly this number, if there is one. */
static void *seek_number(const Rank *rank, const RankPartition *partition, uint64_t number,
                         StateCursor *cursor)
{
    if (number == 0 || number > UINT32_MAX)
        return NULL;
    if (rank->distinct != NULL) {
        const void *group = state_tree_at(partition->distinct, (uint32_t)(number - 1));
        return group == NULL
                   ? NULL
                   : state_cursor_seek(rank->rows, partition->rows,
                                       state_tree_sort_key(rank->distinct, group), cursor);
    }
    /* It stands at that place, if a group of ties begins there. */
    void *record = state_cursor_at(partition->rows, (uint32_t)(number - 1), cursor);
    if (record == NULL || number == 1)
        return record;
    StateCursor before = *cursor;
    Str own = state_tree_sort_key(rank->rows, record);
    Str other = state_tree_sort_key(rank->rows, state_cursor_previous(&before));
    return rank_str_equal(rank_prefix(own), rank_prefix(other)) ? NULL : record;
}

/* The rows with the number `old` get the number `now`. */
static bool move_group(Rank *rank, const RankPartition *partition, uint64_t old, uint64_t now,
                       Error *error)
{
    StateCursor cursor;
    const void *record = seek_number(rank, partition, old, &cursor);
    Str group = record == NULL ? (Str){NULL, 0} : state_tree_sort_key(rank->rows, record);
    for (; record != NULL; record = state_cursor_next(&cursor)) {
        Str key = state_tree_sort_key(rank->rows, record);
        if (!rank_str_equal(rank_prefix(key), rank_prefix(group)))
            return true;
        RankRow row = rank_kept_row(record);
        if (!give_moved(rank, partition, &row, old, now, error))
            return false;
    }
    return true;
}

/* All rows from a place on, whose first has the number `old`, move by `step` (1 or -1). */
static bool move_each(Rank *rank, const RankPartition *partition, uint32_t position, uint64_t old,
                      int step, Error *error)
{
    StateCursor cursor;
    const void *record = state_cursor_at(partition->rows, position, &cursor);
    Str group = record == NULL ? (Str){NULL, 0} : state_tree_sort_key(rank->rows, record);
    uint64_t passed = 0; /* rows of the group */
    for (; record != NULL; record = state_cursor_next(&cursor), passed++) {
        Str key = state_tree_sort_key(rank->rows, record);
        if (!rank_str_equal(rank_prefix(key), rank_prefix(group))) {
            old += rank->distinct != NULL ? 1 : passed;
            passed = 0;
            group = key;
        }
        uint64_t now = step > 0 ? old + 1 : old - 1;
        if (old > partition->last && now > partition->last)
            return true;
        RankRow row = rank_kept_row(record);
        if (!give_moved(rank, partition, &row, old, now, error))
            return false;
    }
    return true;
}

/* Everything behind a row moves, from the next sort key on, which has this number and place. */
static bool move_followers(Rank *rank, const RankPartition *partition, uint64_t next_number,
                           uint32_t behind, int step, Error *error)
{
    uint64_t first = rank->plan->first, last = partition->last;
    if (rank->plan->with_number)
        return move_each(rank, partition, behind, next_number, step, error);
    /* Only those at the ends of the range come and go. */
    if (step > 0)
        return (first - 1 < next_number || move_group(rank, partition, first - 1, first, error)) &&
               (last < next_number || last == UINT64_MAX ||
                move_group(rank, partition, last, last + 1, error));
    return (first < next_number || first == 1 ||
            move_group(rank, partition, first, first - 1, error)) &&
           (last == UINT64_MAX || last + 1 < next_number ||
            move_group(rank, partition, last + 1, last, error));
}

/* ------------------------------------------------------------------------- changes */

static void count_distinct(Rank *rank, RankPartition *partition, Str sort_key, int step)
{
    if (rank->distinct == NULL)
        return;
    Str prefix = rank_prefix(sort_key);
    int64_t *count = step > 0 ? state_tree_put(rank->distinct, &partition->distinct, partition->key,
                                               partition->hash, prefix, (Str){NULL, 0}, NULL)
                              : state_tree_find(rank->distinct, partition->distinct, prefix);
    *count += step;
    if (*count != 0)
        state_touch(rank->distinct, count);
    else if (state_tree_remove(rank->distinct, count))
        partition->distinct = NULL;
}

static void forget_row(Rank *rank, RankPartition *partition, const void *record, StateCursor *place)
{
    if (rank->distinct != NULL)
        count_distinct(rank, partition, state_tree_sort_key(rank->rows, record), -1);
    rank_forget(rank, partition, place);
}

/* Gives back what has fallen behind the range, ties and all. */
static void drop_behind(Rank *rank, RankPartition *partition)
{
    if (rank->keeps_all)
        return;
    for (;;) {
        StateCursor place;
        const void *last =
            state_cursor_at(partition->rows, state_tree_size(partition->rows) - 1, &place);
        Str kept = state_tree_sort_key(rank->rows, last);
        Str key = {arena_memdup(rank->scratch, kept.data, kept.length), kept.length};
        rank_first_arrival(key);
        if (number_of(rank, partition, key) <= partition->last)
            return;
        forget_row(rank, partition, last, &place);
    }
}

bool rank_ties_insert(Rank *rank, RankBatch *work, uint32_t row, Error *error)
{
    RankPartition *partition = &work->partitions[work->partition_of[row]];
    Str sort_key = work->sort_keys[row];
    uint32_t ties = count_ties(rank, partition, sort_key);
    rank_first_arrival(sort_key);
    uint64_t number = number_of(rank, partition, sort_key);
    StateCursor place;
    uint32_t behind = rank_take_place(rank, partition, sort_key, &place);
    bool moves = rank->distinct == NULL || ties == 0;
    /* With RANK the next sort key's number counts the ties before it. */
    uint64_t next = rank->distinct != NULL ? number : number + ties;
    if (moves && !move_followers(rank, partition, next, behind, 1, error))
        return false;
    if (rank_in_range(rank, partition, number)) {
        RankRow now = rank_input_row(row);
        if (!rank_give(rank, CHANGE_INSERT, &now, number, error))
            return false;
    }
    rank_keep(rank, work, partition, row, &place);
    count_distinct(rank, partition, sort_key, 1);
    drop_behind(rank, partition);
    return true;
}

bool rank_ties_retract(Rank *rank, RankBatch *work, uint32_t row, Error *error)
{
    RankPartition *partition = &work->partitions[work->partition_of[row]];
    Str sort_key = work->sort_keys[row];
    StateCursor place, end;
    const void *record = rank_find(rank, work, partition, row, &place);
    if (record == NULL)
        return true;
    uint32_t ties = count_ties(rank, partition, sort_key);
    rank_first_arrival(sort_key);
    uint64_t number = number_of(rank, partition, sort_key);
    uint32_t behind = rank_take_place(rank, partition, sort_key, &end);
    if (rank_in_range(rank, partition, number)) {
        RankRow gone = rank_kept_row(record);
        if (!rank_give(rank, CHANGE_DELETE, &gone, number, error))
            return false;
    }
    bool moves = rank->distinct == NULL || ties == 1;
    uint64_t next = rank->distinct != NULL ? number + 1 : number + ties;
    if (moves && !move_followers(rank, partition, next, behind, -1, error))
        return false;
    forget_row(rank, partition, record, &place);
    return true;
}
