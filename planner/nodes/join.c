/* join: regular join; both sides stay in state. With equalities each join key is one worker's;
 * without any, every row may meet every other and all are on one.
 *
 * The upsert keys of a side decide how its rows are kept (a key whose changes may come out of order
 * cannot tell which row to replace). Output keys: the left's when a left row
 * meets one right row at most, the right's likewise, and both together always. Padding makes left
 * keys of a RIGHT or FULL join NULL many times over, so alone they then are no keys. */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_join;

static bool join_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalJoin *x = &a->join, *y = &b->join;
    if (x->kind != y->kind || x->single != y->single || x->key_count != y->key_count ||
        (x->condition == NULL) != (y->condition == NULL))
        return false;
    for (uint32_t k = 0; k < x->key_count; k++)
        if (x->keys[0][k] != y->keys[0][k] || x->keys[1][k] != y->keys[1][k] ||
            x->null_matches[k] != y->null_matches[k])
            return false;
    return x->condition == NULL ||
           (expr_equal(x->condition, y->condition) && expr_is_deterministic(x->condition));
}

static TimeKind join_time(const LogicalNode *node, uint32_t column)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    if (node->join.is_settled || (logical_is_half_join(node->join.kind) && column >= left))
        return TIME_NONE;
    return column < left ? logical_time(node->inputs[0], column)
                         : logical_time(node->inputs[1], column - left);
}

static ColumnSet join_key(const PlannerContext *context, const LogicalNode *node, uint32_t side)
{
    return column_set_new(context->arena, node->join.keys[side], node->join.key_count);
}

/* Whether no two rows of the side have the same join key. */
static bool key_is_unique(const PlannerContext *context, const LogicalNode *node, uint32_t side)
{
    ColumnSet key = join_key(context, node, side);
    const StreamTraits *input = &node->inputs[side]->traits;
    for (uint32_t i = 0; i < input->unique_key_count; i++)
        if (column_set_contains(key, input->unique_keys[i]))
            return true;
    return false;
}

/* An upsert key stays one across the exchange by join key when it contains that: then all changes
 * of one row go to one worker. */
static bool stays_in_order(const PlannerContext *context, const LogicalNode *node, uint32_t side,
                           ColumnSet key)
{
    const StreamTraits *input = &node->inputs[side]->traits;
    for (uint32_t i = 0; i < input->upsert_key_count; i++)
        if (column_set_equal(input->upsert_keys[i], key))
            return column_set_contains(key, join_key(context, node, side));
    return false;
}

/* Whether, for each join key, a row of the side goes before the next one comes. A side that is only
 * unique by its join key may show the next one first. */
static bool follows_in_order(const PlannerContext *context, const LogicalNode *node, uint32_t side)
{
    ColumnSet key = join_key(context, node, side);
    const StreamTraits *input = &node->inputs[side]->traits;
    for (uint32_t i = 0; i < input->upsert_key_count; i++)
        if (column_set_contains(key, input->upsert_keys[i]))
            return true;
    return false;
}

static void add_key(const PlannerContext *context, LogicalNode *node, ColumnSet key, bool in_order)
{
    if (in_order)
        traits_add_key(context->arena, &node->traits, key);
    else
        traits_add_unique_key(context->arena, &node->traits, key);
}

/* Whether a row of the side without a partner is told from one of the other side by this key. */
static bool tells_side(const LogicalNode *node, uint32_t side, ColumnSet key)
{
    const Schema *schema = node->inputs[side]->schema;
    for (uint32_t i = 0; i < key.count; i++)
        if (!schema->columns[key.columns[i]].type->nullable)
            return true;
    return false;
}

void lower_join_keys(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    const StreamTraits *sides[2] = {&node->inputs[0]->traits, &node->inputs[1]->traits};
    PlanJoinKind kind = node->join.kind;
    uint32_t left = node->inputs[0]->schema->column_count;
    ColumnSet nothing = {0, NULL};
    if (logical_is_half_join(kind)) {
        for (uint32_t i = 0; i < sides[0]->unique_key_count; i++)
            add_key(context, node, sides[0]->unique_keys[i],
                    stays_in_order(context, node, 0, sides[0]->unique_keys[i]));
        return;
    }
    bool kept[2] = {kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_LEFT,
                    kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_RIGHT};
    for (uint32_t s = 0; s < 2; s++) {
        if (!kept[s] || !key_is_unique(context, node, 1 - s))
            continue;
        for (uint32_t i = 0; i < sides[s]->unique_key_count; i++) {
            ColumnSet key = sides[s]->unique_keys[i];
            add_key(context, node, column_set_union(arena, nothing, key, s == 0 ? 0 : left),
                    stays_in_order(context, node, s, key) &&
                        follows_in_order(context, node, 1 - s));
        }
    }
    for (uint32_t i = 0; i < sides[0]->unique_key_count; i++)
        for (uint32_t j = 0; j < sides[1]->unique_key_count; j++) {
            ColumnSet keys[2] = {sides[0]->unique_keys[i], sides[1]->unique_keys[j]};
            if (kind == PLAN_JOIN_FULL && !tells_side(node, 0, keys[0]) &&
                !tells_side(node, 1, keys[1]))
                continue; /* a row of each side, both padded, may have NULL for key */
            add_key(context, node, column_set_union(arena, keys[0], keys[1], left),
                    stays_in_order(context, node, 0, keys[0]) &&
                        stays_in_order(context, node, 1, keys[1]));
        }
}

/* Whether an update of the side is one of each pair it is in: no condition to change its mind, no
 * padding, and the row stays where it is. */
static bool updates_in_place(const PlannerContext *context, const LogicalNode *node, uint32_t side)
{
    if ((node->inputs[side]->changes & CHANGE_CLASS_UPDATE) == 0)
        return true;
    PlanJoinKind kind = node->join.kind;
    bool is_shown = (kind == PLAN_JOIN_SEMI || kind == PLAN_JOIN_ANTI) && side == 0;
    if ((kind != PLAN_JOIN_INNER && !is_shown) || node->join.condition != NULL ||
        node->inputs[side]->parts_updates)
        return false;
    ColumnSet key = join_key(context, node, side);
    const StreamTraits *input = &node->inputs[side]->traits;
    for (uint32_t i = 0; i < input->upsert_key_count; i++)
        if (column_set_contains(input->upsert_keys[i], key))
            return true;
    return false;
}

/* Whether a row may be taken back by -U and not come again. The preserved side of an outer join
 * takes back by -D. What its other side takes back by -U leaves the preserved row, which then comes
 * padded, if that was its one match. */
static bool may_part(const PlannerContext *context, const LogicalNode *node)
{
    uint32_t other = node->join.kind == PLAN_JOIN_LEFT ? 1 : 0;
    switch (node->join.kind) {
    case PLAN_JOIN_FULL:
    case PLAN_JOIN_MARK:
        return false;
    case PLAN_JOIN_LEFT:
    case PLAN_JOIN_RIGHT:
        return (node->inputs[other]->changes & CHANGE_CLASS_UPDATE) != 0 &&
               !(key_is_unique(context, node, other) && follows_in_order(context, node, other));
    case PLAN_JOIN_ANTI:
        return !updates_in_place(context, node, 0);
    case PLAN_JOIN_INNER:
    case PLAN_JOIN_SEMI:
        break;
    }
    return !updates_in_place(context, node, 0) || !updates_in_place(context, node, 1);
}

static bool join_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    node->traits.bounded = lower_inputs_bounded(node);
    node->traits.rowtime = -1;
    bool as_inputs = node->join.kind == PLAN_JOIN_INNER || node->join.kind == PLAN_JOIN_SEMI;
    node->changes =
        as_inputs ? node->inputs[0]->changes | node->inputs[1]->changes : CHANGE_CLASS_ALL;
    /* All pairs of the old row come first, then all pairs of the new one. */
    node->loose_pairs = true;
    node->parts_updates = may_part(context, node);
    lower_join_keys(context, node);
    return true;
}

/* The right side of an anti join makes +I and -D of left rows, whatever it is told. */
static bool join_passes_before_of(const LogicalNode *node, uint32_t side)
{
    return side == 0 || node->join.kind != PLAN_JOIN_ANTI;
}

/* Without -U the side's new row must find its predecessor under the same join key. */
static bool join_needs_before(const PlannerContext *context, const LogicalNode *node, uint32_t side)
{
    return node->traits.wants_before || !updates_in_place(context, node, side);
}

void lower_join_side(const LogicalNode *from, const uint32_t *keys, ColumnSet key,
                     PlanJoinSide *out)
{
    const StreamTraits *input = &from->traits;
    out->keys = keys;
    out->retracts = traits_retracts(from);
    out->state = input->kinds == CHANGES_INSERT_ONLY ? PLAN_SIDE_APPENDS : PLAN_SIDE_NO_UNIQUE;
    for (uint32_t i = 0; i < input->upsert_key_count; i++) {
        ColumnSet unique = input->upsert_keys[i];
        if (column_set_contains(key, unique)) {
            out->state = PLAN_SIDE_KEY_UNIQUE;
            out->unique = unique;
            return;
        }
        /* A side that sends no -U replaces rows by a key that the join key is part of. */
        bool replaces = column_set_contains(unique, key);
        bool better = out->state != PLAN_SIDE_HAS_UNIQUE || unique.count < out->unique.count ||
                      (replaces && !column_set_contains(out->unique, key));
        if (!better)
            continue;
        out->state = PLAN_SIDE_HAS_UNIQUE;
        out->unique = unique;
    }
}

static const char *side_text(PlanJoinSideState state)
{
    switch (state) {
    case PLAN_SIDE_KEY_UNIQUE:
        return "JoinKeyContainsUniqueKey";
    case PLAN_SIDE_HAS_UNIQUE:
        return "HasUniqueKey";
    case PLAN_SIDE_NO_UNIQUE:
    case PLAN_SIDE_APPENDS:
        break;
    }
    return "NoUniqueKey";
}

const char *lower_join_kind(PlanJoinKind kind)
{
    static const char *const names[] = {"InnerJoin",     "LeftOuterJoin", "RightOuterJoin",
                                        "FullOuterJoin", "LeftSemiJoin",  "LeftAntiJoin",
                                        "LeftMarkJoin"};
    return names[kind];
}

void lower_join_where(const PlannerContext *context, const LogicalNode *node, Buffer *label)
{
    const Schema *left = node->inputs[0]->schema, *right = node->inputs[1]->schema;
    buffer_append_text(label, "where=[");
    for (uint32_t k = 0; k < node->join.key_count; k++)
        buffer_printf(label, "%s(%s %s %s)", k == 0 ? "" : " AND ",
                      left->columns[node->join.keys[0][k]].name,
                      node->join.null_matches[k] ? "IS NOT DISTINCT FROM" : "=",
                      right->columns[node->join.keys[1][k]].name);
    if (node->join.condition != NULL) {
        buffer_append_text(label, node->join.key_count == 0 ? "" : " AND ");
        expr_print(node->join.condition, logical_pair_schema(context->arena, node), label);
    } else if (node->join.key_count == 0) {
        buffer_append_text(label, "true");
    }
    buffer_append_text(label, "], select=[");
    label_columns(node->schema, NULL, node->schema->column_count, label);
    buffer_append_char(label, ']');
}

void lower_join_spec(LogicalNode *node, PlanJoin *spec)
{
    spec->kind = node->join.kind;
    spec->key_count = node->join.key_count;
    spec->null_matches = node->join.null_matches;
    spec->condition = node->join.condition;
    for (uint32_t s = 0; s < 2; s++) {
        spec->sides[s].keys = node->join.keys[s];
        if (spec->key_count != 0)
            lower_hash(&node->plan->inputs[s], node->join.keys[s], spec->key_count);
    }
}

static const char *join_label(const PlannerContext *context, const LogicalNode *node,
                              const PlanJoin *spec)
{
    Buffer label = {0};
    buffer_printf(&label, "Join(joinType=[%s], ", lower_join_kind(node->join.kind));
    lower_join_where(context, node, &label);
    buffer_printf(&label, ", leftInputSpec=[%s], rightInputSpec=[%s]%s)",
                  side_text(spec->sides[0].state), side_text(spec->sides[1].state),
                  spec->single ? ", rightRows=[one at most]" : "");
    return label_take(context->arena, &label);
}

/* How long the rows of the sides live: once, where it is the same. */
static const char *sides_live(const PlannerContext *context, const PlanJoin *spec)
{
    int64_t left = spec->sides[0].state_ttl_ms, right = spec->sides[1].state_ttl_ms;
    if (left == right)
        return lower_ttl_of(context, left);
    return arena_printf(context->arena, "left %s, right %s", lower_ttl_of(context, left),
                        lower_ttl_of(context, right));
}

/* Without an equality every row meets all rows of the other side: the user is told. */
static const char *join_state(const PlannerContext *context, const PlanJoin *spec)
{
    bool single[2];
    for (uint32_t s = 0; s < 2; s++)
        single[s] = spec->key_count == 0 && spec->sides[s].state == PLAN_SIDE_KEY_UNIQUE;
    const char *text =
        arena_printf(context->arena, "every row of both sides, %s", sides_live(context, spec));
    if (spec->key_count != 0 || (single[0] && single[1]))
        return text;
    if (single[0] || single[1])
        return arena_printf(context->arena,
                            "%s; warning: a change of the one row of the %s side changes every row "
                            "of the other",
                            text, single[0] ? "left" : "right");
    return arena_printf(context->arena,
                        "%s; warning: no equality connects the sides, so each change is compared "
                        "with every row of the other side, on one worker: an equality in ON or "
                        "WHERE would bound that",
                        text);
}

static bool join_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanJoin *spec = arena_new_one(context->arena, PlanJoin);
    lower_join_spec(node, spec);
    spec->single = node->join.single && !key_is_unique(context, node, 1);
    spec->sql_offset = node->place.offset;
    spec->sql_length = node->place.length;
    for (uint32_t s = 0; s < 2; s++) {
        lower_join_side(node->inputs[s], node->join.keys[s], join_key(context, node, s),
                        &spec->sides[s]);
        spec->sides[s].state_ttl_ms = lower_state_ttl(context, node, s);
    }
    /* Where rows expire, how many there were says nothing. */
    if (spec->sides[0].state_ttl_ms != 0 || spec->sides[1].state_ttl_ms != 0)
        spec->single = false;
    if (spec->key_count == 0)
        lower_single(node);
    node->plan->spec = spec;
    node->plan->label = join_label(context, node, spec);
    node->plan->state = join_state(context, spec);
    return true;
}

static void join_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const uint64_t *sides[2] = {node->inputs[0]->column_identities,
                                node->inputs[1]->column_identities};
    uint32_t left = node->inputs[0]->schema->column_count;
    uint32_t count = left + node->inputs[1]->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = i < left ? sides[0][i] : sides[1][i - left];
    buffer_printf(text, "|%d%s", (int)node->join.kind, node->join.single ? "s" : "");
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        buffer_append_text(text, node->join.null_matches[k] ? "|n" : "|=");
        identity_append(text, sides[0][node->join.keys[0][k]]);
        identity_append(text, sides[1][node->join.keys[1][k]]);
    }
    if (node->join.condition != NULL)
        identity_append_expr(text, node->join.condition, columns);
    node->row_identity = hash_bytes(text->data, text->length);
    /* Both sides of a self join show the same columns: the side is part of what they mean. */
    for (uint32_t i = 0; i < count; i++) {
        Buffer column = {0};
        identity_append(&column, node->row_identity);
        identity_append(&column, columns[i]);
        buffer_append_char(&column, i < left ? 'l' : 'r');
        columns[i] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
    }
    node->column_identities = columns;
    /* State holds whole rows of both sides, each in the shape its keys allow. */
    lower_identify_rows(node, text);
    const PlanJoin *spec = node->plan->spec;
    for (uint32_t s = 0; s < 2; s++) {
        buffer_printf(text, "|%d", (int)spec->sides[s].state);
        for (uint32_t i = 0; i < spec->sides[s].unique.count; i++)
            identity_append(text, sides[s][spec->sides[s].unique.columns[i]]);
    }
}

int64_t lower_join_column_of_input(const LogicalNode *node, uint32_t input, uint32_t column)
{
    PlanJoinKind kind = node->join.kind;
    bool padded = kind == PLAN_JOIN_FULL || kind == (input == 0 ? PLAN_JOIN_RIGHT : PLAN_JOIN_LEFT);
    if (padded || (input == 1 && logical_is_half_join(kind)))
        return -1;
    return input == 0 ? column : (int64_t)node->inputs[0]->schema->column_count + column;
}

void lower_join_describe(const LogicalNode *node, Buffer *out)
{
    static const char *const names[] = {"JOIN",
                                        "LEFT JOIN",
                                        "RIGHT JOIN",
                                        "FULL OUTER JOIN",
                                        "IN",
                                        "NOT IN",
                                        "a query in an expression"};
    buffer_append_text(out, names[node->join.kind]);
}

const NodeClass node_join = {
    .op = "join",
    .equal = join_equal,
    .derive = join_derive,
    .time = join_time,
    .passes_before = true,
    .passes_before_of = join_passes_before_of,
    .needs_before = join_needs_before,
    .lower = join_lower,
    .identify = join_identify,
    .describe = lower_join_describe,
    .column_of_input = lower_join_column_of_input,
    .prune = join_prune,
    .push = join_push,
    .reshaped_by = join_reshaped_by,
};
