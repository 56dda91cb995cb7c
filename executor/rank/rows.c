/* ROW_NUMBER: what one change does to a partition's numbers.
 *
 * Contract, with r the number of the row that comes or goes, n the rows before the change and N the
 * range's end:
 *
 *     with numbers   comes: for each number from r on, -U(row that had it) +U(row that has it now);
 *                    then +I of the last row, when the range was not full
 *                    goes: the same pairs; then -D of the last number, when nobody moved into it
 *     without        comes: -D of the row that falls out, +I of the new one
 *                    goes: -D of the row, +I of the one that moves into the range
 *
 * A range that does not start at 1 goes through all numbers like one with numbers, which are then
 * not shown; when nobody looks at -U, or the range has no end, only the row that leaves and the
 * one that enters are given. A row that got better (rank_rows_update) gives pairs from its new
 * number to its old one, or one pair without numbers.
 *
 * Cost: logarithmic, and a row out for each number that passes on. */
#include "core/hash.h"
#include "executor/rank/rank.h"

/* The old row with this number. */
static RankRow row_at(const Rank *rank, const RankPartition *partition, uint64_t number)
{
    return rank_kept_row(state_tree_at(partition->rows, (uint32_t)(number - 1)));
}

/* ---------------------------------------------------------------------- a row comes */

/* Hands on the numbers from `number` to `end` (inclusive, all taken): each goes from the row that
 * has it to `*current`, which then is that row. */
static bool push_down(Rank *rank, const RankPartition *partition, uint64_t number, uint64_t end,
                      RankRow *current, Error *error)
{
    if (number > end)
        return true;
    StateCursor cursor;
    const void *record = state_cursor_at(partition->rows, (uint32_t)(number - 1), &cursor);
    for (; number <= end; number++) {
        RankRow before = rank_kept_row(record);
        if (!rank_give_pair(rank, &before, number, current, number, error))
            return false;
        *current = before;
        if (number != end)
            record = state_cursor_next(&cursor);
    }
    return true;
}

static bool shift_for_new(Rank *rank, const RankPartition *partition, uint32_t row, uint64_t number,
                          Error *error)
{
    uint64_t n = state_tree_size(partition->rows);
    uint64_t from = number > rank->plan->first ? number : rank->plan->first;
    if (from > n + 1)
        return true;
    RankRow current = from == number ? rank_input_row(row) : row_at(rank, partition, from - 1);
    uint64_t end = n < partition->last ? n : partition->last;
    if (!push_down(rank, partition, from, end, &current, error))
        return false;
    return n + 1 > partition->last || rank_give(rank, CHANGE_INSERT, &current, n + 1, error);
}

static bool swap_for_new(Rank *rank, const RankPartition *partition, uint32_t row, uint64_t number,
                         Error *error)
{
    uint64_t n = state_tree_size(partition->rows);
    uint64_t first = rank->plan->first;
    if (n >= partition->last && partition->last >= first) {
        RankRow leaving = row_at(rank, partition, partition->last);
        if (!rank_give(rank, CHANGE_DELETE, &leaving, 0, error))
            return false;
    }
    if (first > n + 1)
        return true;
    RankRow entering = number >= first ? rank_input_row(row) : row_at(rank, partition, first - 1);
    return rank_give(rank, CHANGE_INSERT, &entering, 0, error);
}

/* Gives back what has fallen behind the range. */
static void drop_behind(Rank *rank, RankPartition *partition)
{
    if (rank->keeps_all || state_tree_size(partition->rows) <= partition->last)
        return;
    StateCursor last;
    state_cursor_at(partition->rows, state_tree_size(partition->rows) - 1, &last);
    rank_forget(rank, partition, &last);
}

bool rank_rows_insert(Rank *rank, RankBatch *work, uint32_t row, Error *error)
{
    RankPartition *partition = &work->partitions[work->partition_of[row]];
    StateCursor place;
    uint64_t number = (uint64_t)rank_take_place(rank, partition, work->sort_keys[row], &place) + 1;
    bool is_given = !rank->is_quiet && partition->last >= rank->plan->first;
    if (is_given && number <= partition->last) {
        bool ok = rank->shifts ? shift_for_new(rank, partition, row, number, error)
                               : swap_for_new(rank, partition, row, number, error);
        if (!ok)
            return false;
    }
    rank_keep(rank, work, partition, row, &place);
    drop_behind(rank, partition);
    return true;
}

/* ----------------------------------------------------------------------- a row goes */

static bool shift_for_gone(Rank *rank, const RankPartition *partition, uint64_t number,
                           Error *error)
{
    uint64_t n = state_tree_size(partition->rows);
    uint64_t from = number > rank->plan->first ? number : rank->plan->first;
    if (from > n)
        return true;
    StateCursor cursor;
    RankRow before = rank_kept_row(state_cursor_at(partition->rows, (uint32_t)(from - 1), &cursor));
    for (; from <= partition->last && from < n; from++) {
        RankRow after = rank_kept_row(state_cursor_next(&cursor));
        if (!rank_give_pair(rank, &before, from, &after, from, error))
            return false;
        before = after;
    }
    return from > partition->last || rank_give(rank, CHANGE_DELETE, &before, from, error);
}

static bool swap_for_gone(Rank *rank, const RankPartition *partition, uint64_t number, Error *error)
{
    uint64_t n = state_tree_size(partition->rows);
    uint64_t first = rank->plan->first;
    if (n >= first) {
        RankRow leaving = row_at(rank, partition, number > first ? number : first);
        if (!rank_give(rank, CHANGE_DELETE, &leaving, 0, error))
            return false;
    }
    if (n <= partition->last)
        return true;
    RankRow entering = row_at(rank, partition, partition->last + 1);
    return rank_give(rank, CHANGE_INSERT, &entering, 0, error);
}

bool rank_rows_retract(Rank *rank, RankBatch *work, uint32_t row, Error *error)
{
    RankPartition *partition = &work->partitions[work->partition_of[row]];
    StateCursor place;
    if (rank_find(rank, work, partition, row, &place) == NULL)
        return true;
    uint64_t number = (uint64_t)state_cursor_position(&place) + 1;
    bool is_given = !rank->is_quiet && partition->last >= rank->plan->first;
    if (is_given && number <= partition->last) {
        bool ok = rank->shifts ? shift_for_gone(rank, partition, number, error)
                               : swap_for_gone(rank, partition, number, error);
        if (!ok)
            return false;
    }
    rank_forget(rank, partition, &place);
    return true;
}

/* ----------------------------------------------------------------- a row gets better */

static void *find_place(const Rank *rank, const RankPartition *partition, Str row_key, bool make)
{
    /* The partition's key group, the row key's place in it. */
    uint64_t hash = (partition->hash & ~(uint64_t)UINT32_MAX) |
                    (uint32_t)hash_bytes(row_key.data, row_key.length);
    void *place;
    if (make)
        state_value_get_or_create(rank->places, &row_key, &hash, 1, &place, NULL);
    else
        state_value_get(rank->places, &row_key, &hash, 1, &place);
    return place;
}

static void set_place(Rank *rank, RankBatch *work, const RankPartition *partition, uint32_t row)
{
    StringView *place = find_place(rank, partition, work->row_keys[row], true);
    state_string_assign(rank->places, place, work->sort_keys[row]);
    state_touch(rank->places, place);
}

/* The row key of a kept row. */
static Str row_key_of(const Rank *rank, const void *record)
{
    const PlanRank *plan = rank->plan;
    const Schema *schema = rank->base.context->node->inputs[0].node->schema;
    Vector *vectors = arena_new_array(rank->scratch, Vector, rank->column_count);
    Vector **wanted = arena_new_array(rank->scratch, Vector *, rank->column_count);
    const Vector **keys = arena_new_array(rank->scratch, const Vector *, plan->row_key.count + 1);
    for (uint32_t k = 0; k < plan->row_key.count; k++) {
        uint32_t column = plan->row_key.columns[k];
        vector_init(&vectors[column], schema->columns[column].type, 1, rank->scratch);
        wanted[column] = &vectors[column];
        keys[k] = &vectors[column];
    }
    row_decode(rank->row_layout, state_tree_payload(rank->rows, record), wanted, 0, rank->scratch,
               true);
    Str key;
    row_encode(rank->row_key_layout, keys, NULL, 1, rank->scratch, &key);
    return key;
}

/* The new version of the row `old` at `old_number`, which `number` is not behind. */
static bool give_better(Rank *rank, const RankPartition *partition, uint32_t row, uint64_t number,
                        RankRow *old, uint64_t old_number, Error *error)
{
    uint64_t first = rank->plan->first;
    RankRow now = rank_input_row(row);
    if (!rank->shifts && first == 1)
        return rank_give_pair(rank, old, 0, &now, 0, error);
    if (old_number < first)
        return true;
    uint64_t from = number > first ? number : first;
    RankRow current = from == number ? now : row_at(rank, partition, from - 1);
    if (rank->shifts)
        return push_down(rank, partition, from, old_number - 1, &current, error) &&
               rank_give_pair(rank, old, old_number, &current, old_number, error);
    if (number >= first)
        return rank_give_pair(rank, old, 0, &now, 0, error);
    return rank_give(rank, CHANGE_DELETE, old, 0, error) &&
           rank_give(rank, CHANGE_INSERT, &current, 0, error);
}

static bool replace_row(Rank *rank, RankBatch *work, RankPartition *partition, uint32_t row,
                        Str old_key, Error *error)
{
    StateCursor place;
    RankRow old = rank_kept_row(state_cursor_seek(rank->rows, partition->rows, old_key, &place));
    uint64_t old_number = (uint64_t)state_cursor_position(&place) + 1;
    uint64_t number = old_number;
    if (rank_str_equal(rank_prefix(old_key), rank_prefix(work->sort_keys[row])))
        memcpy((char *)(uintptr_t)work->sort_keys[row].data, old_key.data, old_key.length);
    else
        number = (uint64_t)rank_take_place(rank, partition, work->sort_keys[row], &place) + 1;
    /* Behind its old place it would have fallen among rows that are not kept. */
    assert(number <= old_number + 1);
    number = number < old_number ? number : old_number;
    if (!give_better(rank, partition, row, number, &old, old_number, error))
        return false;
    state_cursor_seek(rank->rows, partition->rows, old_key, &place);
    rank_forget(rank, partition, &place);
    state_tree_put(rank->rows, &partition->rows, partition->key, partition->hash,
                   work->sort_keys[row], work->encoded[row], NULL);
    set_place(rank, work, partition, row);
    return true;
}

bool rank_rows_update(Rank *rank, RankBatch *work, uint32_t row, Error *error)
{
    RankPartition *partition = &work->partitions[work->partition_of[row]];
    const StringView *place = find_place(rank, partition, work->row_keys[row], false);
    if (place != NULL) {
        Str kept = string_view_str(place);
        Str old_key = {arena_memdup(rank->scratch, kept.data, kept.length), kept.length};
        return replace_row(rank, work, partition, row, old_key, error);
    }
    StateCursor cursor;
    uint64_t number = (uint64_t)rank_take_place(rank, partition, work->sort_keys[row], &cursor) + 1;
    if (number > partition->last)
        return true;
    bool ok = rank->shifts ? shift_for_new(rank, partition, row, number, error)
                           : swap_for_new(rank, partition, row, number, error);
    if (!ok)
        return false;
    rank_keep(rank, work, partition, row, &cursor);
    set_place(rank, work, partition, row);
    if (state_tree_size(partition->rows) <= partition->last)
        return true;
    const void *last =
        state_cursor_at(partition->rows, state_tree_size(partition->rows) - 1, &cursor);
    state_value_remove(rank->places, find_place(rank, partition, row_key_of(rank, last), false));
    rank_forget(rank, partition, &cursor);
    return true;
}
