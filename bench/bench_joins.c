/* How fast joins are, each kind and each shape of state: changes per CPU second through the
 * operator alone, one thread, output thrown away; beside it a loop by hand that keeps the same rows
 * and makes the same changes of them, on the same batches in the same run.
 *
 *     bench_joins [million rows of state, 0: 1 and 10 [part of a case's name, or all [fresh]]]
 *
 * Half of the rows lie on each side. Then some of a side's rows are deleted and inserted again, so
 * that what is kept stays as large. State and what the loop by hand keeps lie in memory that was
 * written before, all of it in huge pages (bench/touched_memory.h); with `fresh` in what the system
 * hands out. */
#include <string.h>

#include "bench/operator_harness.h"
#include "bench/touched_memory.h"

/* What ten million rows need by hand and in the operator, both at once. */
#define TOUCHED_BYTES ((size_t)2 << 30)

extern const OperatorClass op_join;

/* ---------------------------------------------------------------------- by hand
 *
 * Keys of a side in an open hash, each with a list of its rows; rows in one array, with the number
 * of their matches where pads or half joins want it. Changes of the result go to a ring. */

typedef struct HandRow {
    int64_t value;
    uint32_t next; /* number + 1; 0: none */
    uint32_t matches;
} HandRow;

typedef struct HandKey {
    int64_t key;
    uint32_t first;
    uint32_t used;
} HandKey;

typedef struct HandSide {
    HandKey *keys;
    uint64_t mask;
    HandRow *rows;
    size_t row_room; /* bytes */
    uint32_t row_count;
    uint32_t free; /* list of rows; number + 1 */
} HandSide;

typedef struct HandJoin {
    PlanJoinKind kind;
    HandSide sides[2];
    uint64_t out;
    int64_t ring[1 << 12][5];
} HandJoin;

static void hand_open(HandSide *side, uint64_t rows)
{
    uint64_t slots = 1;
    while (slots < rows * 2)
        slots *= 2;
    side->keys = touched_new(slots * sizeof(HandKey));
    side->mask = slots - 1;
    side->row_room = (rows + 1) * sizeof(HandRow);
    side->rows = touched_new(side->row_room);
}

static void hand_close(HandSide *side)
{
    touched_free(side->keys, (side->mask + 1) * sizeof(HandKey));
    touched_free(side->rows, side->row_room);
}

static double hand_bytes(const HandSide *side, uint64_t rows)
{
    return (double)((side->mask + 1) * sizeof(HandKey) + rows * sizeof(HandRow));
}

static inline HandKey *hand_find(const HandSide *side, int64_t key)
{
    uint64_t at = scramble((uint64_t)key) & side->mask;
    while (side->keys[at].used != 0 && side->keys[at].key != key)
        at = (at + 1) & side->mask;
    return &side->keys[at];
}

static inline void hand_emit(HandJoin *join, int64_t kind, int64_t key, int64_t left, int64_t right)
{
    int64_t *row = join->ring[join->out++ & 4095];
    row[0] = kind, row[1] = key, row[2] = left, row[3] = key, row[4] = right;
}

/* A change of one side, seen by the matches on the other. Returns how many there are. */
static uint32_t hand_probe(HandJoin *join, uint32_t input, bool gone, int64_t key, int64_t value)
{
    HandSide *other = &join->sides[1 - input];
    HandKey *found = hand_find(other, key);
    bool pads_other = join->kind == PLAN_JOIN_FULL || (join->kind == PLAN_JOIN_LEFT && input == 1);
    bool half = join->kind == PLAN_JOIN_SEMI || join->kind == PLAN_JOIN_ANTI;
    uint32_t matches = 0;
    for (uint32_t at = found->first; at != 0; at = other->rows[at - 1].next, matches++) {
        HandRow *row = &other->rows[at - 1];
        if (half) {
            bool turns = input == 1 && (gone ? --row->matches == 0 : row->matches++ == 0);
            if (turns)
                hand_emit(join, gone == (join->kind == PLAN_JOIN_SEMI) ? 3 : 0, key, row->value, 0);
            continue;
        }
        if (pads_other && !gone && row->matches++ == 0)
            hand_emit(join, 3, key, row->value, 0);
        hand_emit(join, gone ? 3 : 0, key, value, row->value);
        if (pads_other && gone && --row->matches == 0)
            hand_emit(join, 0, key, row->value, 0);
    }
    bool pads_own = join->kind == PLAN_JOIN_FULL || (join->kind == PLAN_JOIN_LEFT && input == 0);
    bool shown = half ? input == 0 && (matches != 0) == (join->kind == PLAN_JOIN_SEMI)
                      : pads_own && matches == 0;
    if (shown)
        hand_emit(join, gone ? 3 : 0, key, value, 0);
    return matches;
}

static void hand_keep(HandSide *side, bool gone, int64_t key, int64_t value, uint32_t matches)
{
    HandKey *found = hand_find(side, key);
    if (!gone) {
        uint32_t number = side->free == 0 ? ++side->row_count : side->free;
        HandRow *row = &side->rows[number - 1];
        side->free = side->free == 0 ? 0 : row->next;
        *row = (HandRow){value, found->first, matches};
        *found = (HandKey){key, number, 1};
        return;
    }
    uint32_t *link = &found->first;
    while (*link != 0 && side->rows[*link - 1].value != value)
        link = &side->rows[*link - 1].next;
    if (*link == 0)
        return;
    uint32_t number = *link;
    *link = side->rows[number - 1].next;
    side->rows[number - 1].next = side->free;
    side->free = number;
}

static double hand_feed(HandJoin *join, uint32_t input, Batch *const *batches, uint64_t rows,
                        bool gone)
{
    double start = cpu_us();
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++) {
        const int64_t *key = batches[b]->columns[0].data, *value = batches[b]->columns[1].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            for (uint32_t s = 0; s < 2; s++)
                __builtin_prefetch(
                    &join->sides[s].keys[scramble((uint64_t)key[i]) & join->sides[s].mask]);
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint32_t matches = hand_probe(join, input, gone, key[i], value[i]);
            hand_keep(&join->sides[input], gone, key[i], value[i], matches);
        }
    }
    return (double)rows / (cpu_us() - start);
}

/* -------------------------------------------------------------------- the operator */

/* Rows of a side: each key `each` times, values that no other row has. */
static Batch **make_side(uint64_t rows, uint32_t each)
{
    Batch **batches = make_batches(rows, rows / each, true, 0);
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++)
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            ((int64_t *)batches[b]->columns[1].data)[i] = (int64_t)(b * BATCH_ROWS_MAX + i);
    return batches;
}

/* Some of these rows, from all over the side, so that what they touch lies far apart. */
static Batch **make_some(uint64_t rows, uint64_t side_rows, uint32_t each)
{
    Batch **batches = make_batches(rows, rows, true, 0);
    uint64_t keys = side_rows / each;
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++)
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t n = (b * BATCH_ROWS_MAX + i) * UINT64_C(1640531513) % side_rows;
            ((int64_t *)batches[b]->columns[0].data)[i] =
                (int64_t)(n % keys * UINT64_C(2654435761) % keys);
            ((int64_t *)batches[b]->columns[1].data)[i] = (int64_t)n;
        }
    return batches;
}

static void set_kinds(Batch *const *batches, uint64_t rows, ChangeKind kind)
{
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++)
        memset(batch_kinds(batches[b], BATCH_ROWS_MAX), (int)kind, BATCH_ROWS_MAX);
}

typedef struct JoinSpeed {
    double in, hand; /* million changes a second */
    double out;      /* changes of the result for each */
} JoinSpeed;

/* Deletes some rows of a side and inserts them again. */
static JoinSpeed change_side(Bench *bench, HandJoin *hand, uint32_t input, uint64_t state_rows,
                             uint32_t each)
{
    uint64_t rows = (uint64_t)1 << 18;
    Batch **batches = make_some(rows, state_rows, each);
    double by_hand = 0, took = 0;
    bench->emitter.rows = 0;
    for (uint32_t phase = 0; phase < 2; phase++) {
        bool gone = phase == 0;
        set_kinds(batches, rows, gone ? CHANGE_DELETE : CHANGE_INSERT);
        for (uint64_t b = 0; gone && b * BATCH_ROWS_MAX < rows; b++)
            batch_retain(batches[b]);
        by_hand += (double)rows / hand_feed(hand, input, batches, rows, gone);
        took += (double)rows / feed(bench, &op_join, input, batches, rows);
    }
    memory_free(batches);
    return (JoinSpeed){(double)rows * 2 / took, (double)rows * 2 / by_hand,
                       (double)bench->emitter.rows / (double)(rows * 2)};
}

typedef struct JoinCase {
    const char *name;
    PlanJoinKind kind;
    PlanJoinSideState state;
    uint32_t each; /* rows of a key on a side */
} JoinCase;

static const JoinCase cases[] = {
    {"inner, join key unique", PLAN_JOIN_INNER, PLAN_SIDE_KEY_UNIQUE, 1},
    {"inner, has unique key ", PLAN_JOIN_INNER, PLAN_SIDE_HAS_UNIQUE, 2},
    {"inner, no unique key  ", PLAN_JOIN_INNER, PLAN_SIDE_NO_UNIQUE, 2},
    {"left, join key unique ", PLAN_JOIN_LEFT, PLAN_SIDE_KEY_UNIQUE, 1},
    {"left, has unique key  ", PLAN_JOIN_LEFT, PLAN_SIDE_HAS_UNIQUE, 2},
    {"full, has unique key  ", PLAN_JOIN_FULL, PLAN_SIDE_HAS_UNIQUE, 2},
    {"semi, has unique key  ", PLAN_JOIN_SEMI, PLAN_SIDE_HAS_UNIQUE, 2},
    {"anti, has unique key  ", PLAN_JOIN_ANTI, PLAN_SIDE_HAS_UNIQUE, 2},
};

static const Column output_columns[] = {
    {"k", &type_bigint}, {"v", &type_bigint}, {"rk", &type_bigint}, {"rv", &type_bigint}};

static Bench *open_join(PlanJoin *plan, const JoinCase *of)
{
    static const bool no_nulls[] = {false};
    static const Schema whole = {4, output_columns}, half = {2, output_columns};
    bool is_half = of->kind == PLAN_JOIN_SEMI || of->kind == PLAN_JOIN_ANTI;
    *plan = (PlanJoin){.kind = of->kind, .key_count = 1, .null_matches = no_nulls};
    for (uint32_t s = 0; s < 2; s++)
        plan->sides[s] = (PlanJoinSide){.keys = first_column,
                                        .state = of->state,
                                        .unique = {1, second_column},
                                        .retracts = true};
    return bench_open(&op_join, plan, is_half ? &half : &whole);
}

static void bench_case(const JoinCase *of, uint64_t state_rows)
{
    uint64_t side_rows = state_rows / 2 / BATCH_ROWS_MAX * BATCH_ROWS_MAX;
    PlanJoin plan;
    Bench *bench = open_join(&plan, of);
    HandJoin *hand = memory_zalloc(sizeof(*hand));
    hand->kind = of->kind;
    double fill = 0, hand_fill = 0;
    for (uint32_t s = 0; s < 2; s++)
        hand_open(&hand->sides[s], side_rows);
    for (uint32_t s = 0; s < 2; s++) {
        Batch **batches = make_side(side_rows, of->each);
        hand_fill += (double)side_rows / hand_feed(hand, s, batches, side_rows, false);
        fill += (double)side_rows / feed(bench, &op_join, s, batches, side_rows);
        memory_free(batches);
    }
    double bytes = (double)state_store_bytes(bench->context.state) / (double)(side_rows * 2);
    double by_hand =
        (hand_bytes(&hand->sides[0], side_rows) + hand_bytes(&hand->sides[1], side_rows)) /
        (double)(side_rows * 2);
    JoinSpeed left = change_side(bench, hand, 0, side_rows, of->each);
    JoinSpeed right = change_side(bench, hand, 1, side_rows, of->each);
    printf("join %s, %4.1f M rows: left %5.2f (by hand %5.2f), right %5.2f (%5.2f), filling %5.2f "
           "(%5.2f) M changes/s; %.1f and %.1f out for each; %.1f (%.1f) bytes a row\n",
           of->name, (double)state_rows / 1e6, left.in, left.hand, right.in, right.hand,
           (double)side_rows * 2 / fill, (double)side_rows * 2 / hand_fill, left.out, right.out,
           bytes, by_hand);
    for (uint32_t s = 0; s < 2; s++)
        hand_close(&hand->sides[s]);
    memory_free(hand);
    bench_close(bench, &op_join);
}

/* ---------------------------------------------------------------- without equality */

/* v < rv, as the planner would make it. */
static const Expr *less_than(Arena *arena)
{
    const Type **types = arena_new_array(arena, const Type *, 2);
    const Vector **literals = arena_new_array(arena, const Vector *, 2);
    const Expr **args = arena_new_array(arena, const Expr *, 2);
    for (uint32_t i = 0; i < 2; i++) {
        Expr *column = arena_new_one(arena, Expr);
        *column = (Expr){.kind = EXPR_COLUMN, .type = &type_bigint, .column = 1 + 2 * i};
        types[i] = &type_bigint;
        args[i] = column;
    }
    FunctionSite site = {types, literals, 2, NULL, arena, NULL};
    Expr *call = arena_new_one(arena, Expr);
    Error error = {0};
    *call = (Expr){.kind = EXPR_CALL, .args = args, .arg_count = 2};
    if (!function_bind("<", &site, &call->call, &error))
        exit(1);
    call->type = call->call.result;
    return call;
}

/* Rows on the left that a few of all on the right go with: all are looked at. */
static void bench_theta(uint64_t state_rows)
{
    static const Schema output = {4, output_columns};
    uint64_t right_rows = state_rows / BATCH_ROWS_MAX * BATCH_ROWS_MAX, rows = BATCH_ROWS_MAX;
    Arena *arena = arena_new(4096);
    PlanJoin plan = {.kind = PLAN_JOIN_INNER, .condition = less_than(arena)};
    for (uint32_t s = 0; s < 2; s++)
        plan.sides[s] = (PlanJoinSide){.state = PLAN_SIDE_NO_UNIQUE, .retracts = true};
    Bench *bench = bench_open(&op_join, &plan, &output);
    Batch **right = make_side(right_rows, 1), **left = make_side(rows, 1);
    int64_t *values = memory_alloc(right_rows * sizeof(int64_t));
    for (uint64_t n = 0; n < right_rows; n++)
        values[n] =
            ((const int64_t *)right[n / BATCH_ROWS_MAX]->columns[1].data)[n % BATCH_ROWS_MAX];
    for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
        ((int64_t *)left[0]->columns[1].data)[i] = (int64_t)right_rows - 4 + (i & 3);
    feed(bench, &op_join, 1, right, right_rows);
    double bytes = (double)state_store_bytes(bench->context.state) / (double)right_rows;
    uint64_t out = 0;
    static int64_t ring[1 << 12][2];
    double start = cpu_us();
    for (uint32_t i = 0; i < rows; i++) {
        int64_t value = ((const int64_t *)left[0]->columns[1].data)[i];
        for (uint64_t n = 0; n < right_rows; n++)
            if (value < values[n]) {
                int64_t *pair = ring[out++ & 4095];
                pair[0] = value, pair[1] = values[n];
            }
    }
    double hand = (double)(rows * right_rows) / (cpu_us() - start);
    double speed = feed(bench, &op_join, 0, left, rows) * (double)right_rows;
    printf("join theta, %4.1f M rows on the other side: %.0f M pairs looked at a second (by hand "
           "%.0f), %.4f M changes/s; %.1f bytes a row\n",
           (double)right_rows / 1e6, speed, hand, speed / (double)right_rows, bytes);
    memory_free(values);
    memory_free(right);
    memory_free(left);
    bench_close(bench, &op_join);
    arena_free(arena);
}

int main(int count, char **arguments)
{
    uint64_t only = count > 1 ? strtoull(arguments[1], NULL, 10) * 1000000 : 0;
    const char *part = count > 2 && strcmp(arguments[2], "all") != 0 ? arguments[2] : "";
    bool is_fresh = count > 3 && strcmp(arguments[3], "fresh") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    memory_keep_freed(); /* as the program does */
    if (!is_fresh)
        touched_open(TOUCHED_BYTES);
    printf("memory %s\n", is_fresh ? "as the system hands it out" : "written beforehand");
    for (size_t i = 0; i < array_count(cases); i++) {
        if (strstr(cases[i].name, part) == NULL)
            continue;
        if (only != 0) {
            bench_case(&cases[i], only);
            continue;
        }
        bench_case(&cases[i], 1000000);
        bench_case(&cases[i], 10000000);
    }
    if (strstr("theta", part) == NULL)
        return 0;
    bench_theta(only != 0 ? only : 1000000);
    if (only == 0)
        bench_theta(10000000);
    return 0;
}
