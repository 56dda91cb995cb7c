/* Windows that end: their rows joined, given and forgotten.
 *
 * Groups are taken some at a time: their rows are decoded once, side by side, and everything after
 * that works with positions. Pairs, and the places where a row is padded if it matched nothing, are
 * listed in the order of the output, a batch of them at a time; the condition runs over the pairs
 * of such a list at once, and what is left is gathered column by column. A group that gives nothing
 * is not decoded.
 *
 * Cost: a decode a row, a gather a row given, the condition once a pair. */
#include "executor/window/join.h"

#define NO_ROW UINT32_MAX
/* Rows that are decoded together, unless one group has more. */
#define FIRE_ROWS 2048

/* A left and a right row; one is NO_ROW: the other's pad, if it has matched nothing. */
typedef struct Candidate {
    uint32_t left;
    uint32_t right;
} Candidate;

/* One group's rows among those of its side. */
typedef struct Span {
    StateGroup *group;
    uint32_t from[2];
    uint32_t to[2];
    bool is_lone;
} Span;

typedef struct Firing {
    WindowJoin *join;
    Emitter *emitter;
    Buffer rows[2]; /* Str: encoded */
    Buffer spans;   /* Span */
    /* Of the rows at hand. */
    Batch *decoded[2];
    uint8_t *matched[2];
    Candidate *candidates;
    uint8_t *holds;
    uint32_t *chosen[2]; /* rows of a pair batch, then of the output */
    uint32_t *selected;
    uint32_t count;
    uint32_t limit;
} Firing;

static uint32_t row_count(const Firing *firing, uint32_t side)
{
    return (uint32_t)(firing->rows[side].length / sizeof(Str));
}

/* --------------------------------------------------------------------------- output */

/* The chosen rows of a side; NO_ROW becomes NULL. */
static void gather(const Firing *firing, uint32_t side, uint32_t column, uint32_t count,
                   const Type *type, Vector *out, Arena *arena)
{
    const uint32_t *rows = firing->chosen[side];
    if (row_count(firing, side) == 0) {
        vector_init_constant(out, type, arena);
        return;
    }
    uint32_t *known = arena_alloc(arena, sizeof(uint32_t) * (count + 1));
    for (uint32_t i = 0; i < count; i++)
        known[i] = rows[i] == NO_ROW ? 0 : rows[i];
    vector_gather(out, &firing->decoded[side]->columns[column], known, count, arena);
    out->type = type;
    for (uint32_t i = 0; i < count; i++)
        if (rows[i] == NO_ROW)
            vector_set_null(out, i, arena);
}

static bool give(const Firing *firing, uint32_t count, Error *error)
{
    const WindowJoin *join = firing->join;
    const Schema *schema = join->base.context->node->schema;
    uint32_t left = join->sides[0].schema->column_count;
    if (count == 0)
        return true;
    Batch *out = batch_new_bare(schema);
    out->row_count = count;
    for (uint32_t c = 0; c < schema->column_count; c++)
        gather(firing, c < left ? 0 : 1, c < left ? c : c - left, count, schema->columns[c].type,
               &out->columns[c], out->arena);
    for (uint32_t s = 0; s < 2; s++)
        batch_hold(out, batch_retain(firing->decoded[s]));
    return emit(firing->emitter, out, error);
}

/* --------------------------------------------------------------------------- pairs */

/* Which of the candidates that are pairs the condition holds for. */
static bool check_pairs(Firing *firing, Error *error)
{
    const WindowJoin *join = firing->join;
    memset(firing->holds, 1, firing->count);
    if (join->condition == NULL)
        return true;
    uint32_t count = 0, left = join->sides[0].schema->column_count;
    for (uint32_t i = 0; i < firing->count; i++) {
        Candidate pair = firing->candidates[i];
        firing->chosen[0][count] = pair.left;
        firing->chosen[1][count] = pair.right;
        count += pair.left != NO_ROW && pair.right != NO_ROW;
    }
    if (count == 0)
        return true;
    Batch *pairs = batch_new_bare(join->pair_schema);
    pairs->row_count = count;
    for (uint32_t c = 0; c < pairs->column_count; c++)
        if (join->is_read[c])
            gather(firing, c < left ? 0 : 1, c < left ? c : c - left, count,
                   join->pair_schema->columns[c].type, &pairs->columns[c], pairs->arena);
    int64_t found = expression_select(join->condition, pairs, NULL, count, firing->selected, error);
    batch_release(pairs);
    int64_t next = 0;
    uint32_t pair = 0;
    for (uint32_t i = 0; i < firing->count && found >= 0; i++) {
        if (firing->candidates[i].left == NO_ROW || firing->candidates[i].right == NO_ROW)
            continue;
        firing->holds[i] = next < found && firing->selected[next] == pair;
        next += firing->holds[i];
        pair++;
    }
    return found >= 0;
}

/* Whether a candidate is shown, once it is known what the condition says of it. */
static bool settle(Firing *firing, uint32_t i)
{
    PlanJoinKind kind = firing->join->plan->join.kind;
    Candidate pair = firing->candidates[i];
    if (pair.right == NO_ROW)
        return !firing->matched[0][pair.left];
    if (pair.left == NO_ROW)
        return !firing->matched[1][pair.right];
    if (!firing->holds[i])
        return false;
    bool is_first = !firing->matched[0][pair.left];
    firing->matched[0][pair.left] = firing->matched[1][pair.right] = 1;
    return kind == PLAN_JOIN_SEMI ? is_first : kind != PLAN_JOIN_ANTI;
}

static bool flush(Firing *firing, Error *error)
{
    if (!check_pairs(firing, error))
        return false;
    uint32_t count = 0;
    for (uint32_t i = 0; i < firing->count; i++) {
        if (!settle(firing, i))
            continue;
        firing->chosen[0][count] = firing->candidates[i].left;
        firing->chosen[1][count++] = firing->candidates[i].right;
    }
    firing->count = 0;
    return give(firing, count, error);
}

static bool add(Firing *firing, uint32_t left, uint32_t right, Error *error)
{
    if (firing->count == firing->limit && !flush(firing, error))
        return false;
    firing->candidates[firing->count++] = (Candidate){left, right};
    return true;
}

/* Whether rows of the group can match. */
static bool has_pairs(const Span *span)
{
    return span->from[0] < span->to[0] && span->from[1] < span->to[1] && !span->is_lone;
}

static bool pair_row(Firing *firing, const Span *span, uint32_t left, Error *error)
{
    const WindowJoin *join = firing->join;
    bool half = join->plan->join.kind == PLAN_JOIN_SEMI || join->plan->join.kind == PLAN_JOIN_ANTI;
    for (uint32_t right = span->from[1]; right < span->to[1]; right++) {
        /* Half a join asks for one match only. */
        if (half && firing->matched[0][left])
            return true;
        if (!add(firing, left, right, error))
            return false;
        if (half && join->condition == NULL)
            return true;
    }
    return true;
}

static bool join_group(Firing *firing, const Span *span, Error *error)
{
    const WindowJoinSide *sides = firing->join->sides;
    bool pairs = has_pairs(span);
    for (uint32_t left = span->from[0]; left < span->to[0]; left++) {
        if (pairs && !pair_row(firing, span, left, error))
            return false;
        if (sides[0].keeps_lone && !add(firing, left, NO_ROW, error))
            return false;
    }
    for (uint32_t right = span->from[1]; right < span->to[1] && sides[1].keeps_lone; right++)
        if (!add(firing, NO_ROW, right, error))
            return false;
    return true;
}

/* --------------------------------------------------------------------------- groups */

/* Whether the key equals no other: NULL in a column that is compared with =. */
static bool is_lone(const WindowJoin *join, const StateEntry *entry)
{
    const PlanJoin *plan = &join->plan->join;
    const WindowJoinSide *side = &join->sides[window_join_side(join, entry)];
    Str row = window_join_row(join, entry);
    for (uint32_t k = 0; k < plan->key_count; k++)
        if (!plan->null_matches[k] && row_is_null(side->row_layout, row, side->keys[k]))
            return true;
    return false;
}

/* Lists the group's rows; those of one that gives nothing are left out. */
static void list_group(Firing *firing, StateEntry *anchor)
{
    const WindowJoin *join = firing->join;
    const StateEntry *first = window_join_first(join, anchor);
    Span span = {.group = state_entry_group(join->table, anchor),
                 .from = {row_count(firing, 0), row_count(firing, 1)},
                 .is_lone = is_lone(join, first)};
    const StateEntry *entry = first;
    for (; entry != NULL; entry = state_map_next(join->table, entry)) {
        Str row = window_join_row(join, entry);
        for (uint64_t i = 0; i < window_join_copies(join, entry); i++)
            buffer_append(&firing->rows[window_join_side(join, entry)], &row, sizeof(row));
    }
    bool is_shown = false;
    for (uint32_t s = 0; s < 2; s++) {
        span.to[s] = row_count(firing, s);
        is_shown = is_shown || (span.from[s] < span.to[s] && join->sides[s].keeps_lone);
    }
    if (!is_shown && !has_pairs(&span)) {
        for (uint32_t s = 0; s < 2; s++) {
            firing->rows[s].length = span.from[s] * sizeof(Str);
            span.to[s] = span.from[s];
        }
    }
    buffer_append(&firing->spans, &span, sizeof(span));
}

static void decode(Firing *firing)
{
    WindowJoin *join = firing->join;
    for (uint32_t s = 0; s < 2; s++) {
        const Schema *schema = join->sides[s].schema;
        uint32_t count = row_count(firing, s);
        const Str *rows = (const Str *)(const void *)firing->rows[s].data;
        Batch *batch = batch_new(schema, count + 1);
        Vector **columns = arena_new_array(join->firing, Vector *, schema->column_count + 1);
        for (uint32_t c = 0; c < schema->column_count; c++)
            columns[c] = &batch->columns[c];
        for (uint32_t i = 0; i < count; i++)
            row_decode(join->sides[s].row_layout, rows[i], columns, i, batch->arena, false);
        batch->row_count = count;
        firing->decoded[s] = batch;
        firing->matched[s] = arena_zalloc(join->firing, count + 1);
    }
}

static void forget(WindowJoin *join, StateGroup *group)
{
    bool gone = false;
    while (!gone)
        gone = state_map_remove(join->table, state_map_last(join->table, group));
}

/* Joins and forgets the groups that are listed. */
static bool give_groups(Firing *firing, Error *error)
{
    WindowJoin *join = firing->join;
    const Span *spans = (const Span *)(const void *)firing->spans.data;
    size_t count = firing->spans.length / sizeof(Span);
    arena_reset(join->firing);
    Arena *arena = join->firing;
    firing->candidates = arena_alloc(arena, sizeof(Candidate) * firing->limit);
    firing->holds = arena_alloc(arena, firing->limit);
    firing->selected = arena_alloc(arena, sizeof(uint32_t) * (firing->limit + 1));
    for (uint32_t s = 0; s < 2; s++)
        firing->chosen[s] = arena_alloc(arena, sizeof(uint32_t) * (firing->limit + 1));
    decode(firing);
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++)
        ok = join_group(firing, &spans[i], error);
    ok = ok && flush(firing, error);
    for (uint32_t s = 0; s < 2; s++) {
        batch_release(firing->decoded[s]);
        buffer_clear(&firing->rows[s]);
    }
    for (size_t i = 0; i < count; i++)
        forget(join, spans[i].group);
    buffer_clear(&firing->spans);
    return ok;
}

/* Asks for the memory of groups to come: their anchors, then the rows behind these. */
static void warm(const WindowJoin *join, const WindowSlice *slice, uint32_t at)
{
    enum { FAR = 24, NEAR = 12, LINE = 64 };
    if (at + FAR < slice->count)
        __builtin_prefetch(slice->records[at + FAR]);
    if (at + NEAR >= slice->count || slice->records[at + NEAR] == NULL)
        return;
    const StateEntry *anchor = slice->records[at + NEAR];
    const StateEntry *row = state_map_next(join->table, anchor);
    __builtin_prefetch(state_entry_group(join->table, anchor));
    __builtin_prefetch(row);
    __builtin_prefetch((const char *)row + LINE);
}

static bool fire_slice(Firing *firing, WindowSlice *slice, Error *error)
{
    bool ok = true;
    for (uint32_t i = 0; i < slice->count && ok; i++) {
        warm(firing->join, slice, i);
        if (slice->records[i] == NULL)
            continue;
        list_group(firing, slice->records[i]);
        if (row_count(firing, 0) + row_count(firing, 1) >= FIRE_ROWS)
            ok = give_groups(firing, error);
    }
    ok = ok && give_groups(firing, error);
    window_slices_free(&firing->join->slices, slice);
    return ok;
}

bool window_join_fire(WindowJoin *join, Emitter *emitter, Error *error)
{
    uint32_t limit = join->base.context->batch_rows;
    limit = limit == 0 ? 1 : limit > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : limit;
    Firing firing = {.join = join, .emitter = emitter, .limit = limit};
    bool ok = true;
    WindowSlice *first;
    while (ok && (first = window_slices_first(&join->slices)) != NULL &&
           window_join_is_closed(join, first->next))
        ok = fire_slice(&firing, window_slices_pop(&join->slices), error);
    for (uint32_t s = 0; s < 2; s++)
        buffer_deinit(&firing.rows[s]);
    buffer_deinit(&firing.spans);
    return ok;
}
