/* One operator by hand: plan nodes, expressions, input and output as literal changes.
 *
 * Stands in for the runtime: it defines `emit`, which prints what an operator passes on and checks
 * that batches keep their bounds and that no -U is parted from its +U. */
#ifndef TESTS_PLAN_BUILDER_H
#define TESTS_PLAN_BUILDER_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/changelog_text.h"
#include "core/str.h"
#include "executor/expression.h"
#include "executor/operator.h"

/* Batch sizes every operator is tried with; the loop index of a test. */
static const uint32_t batch_sizes[] = {1, 3, 2048};

struct Emitter {
    Buffer text;
    uint32_t batch_rows;
    uint32_t batch_count;
    bool ends_in_before; /* the last row passed on was -U */
    bool allows_halves;  /* a -U and the +U behind it need not be one update */
};

bool emit(Emitter *emitter, Batch *batch, Error *error)
{
    uint32_t count = batch->row_count;
    if (count != 0) {
        bool is_pair = count == 2 && batch_kind(batch, 1) == CHANGE_UPDATE_AFTER;
        ck_assert_msg(count <= emitter->batch_rows || is_pair, "a batch of %u rows", count);
        ck_assert_msg(emitter->allows_halves || !emitter->ends_in_before ||
                          batch_kind(batch, 0) != CHANGE_UPDATE_AFTER,
                      "an update was split");
        emitter->ends_in_before = batch_kind(batch, count - 1) == CHANGE_UPDATE_BEFORE;
        emitter->batch_count++;
        changelog_print(batch, NULL, &emitter->text);
    }
    batch_release(batch);
    return true;
}

/* --------------------------------------------------------------------- types */

static inline const Type *test_type(Arena *arena, const char *name)
{
    static const struct {
        const char *name;
        const Type *type;
    } types[] = {
        {"BOOLEAN", &type_boolean}, {"INT", &type_int},       {"BIGINT", &type_bigint},
        {"DOUBLE", &type_double},   {"STRING", &type_string}, {"DATE", &type_date},
    };
    for (size_t i = 0; i < array_count(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    ck_assert_msg(strcmp(name, "DECIMAL") == 0, "type %s", name);
    return type_new(arena, TYPE_DECIMAL, true, 10, 2);
}

/* "id BIGINT, name STRING"; DECIMAL is DECIMAL(10, 2). */
static inline const Schema *test_schema(Arena *arena, const char *text)
{
    Column columns[32];
    uint32_t count = 0;
    char *copy = arena_strdup(arena, text), *rest = NULL;
    for (char *part = strtok_r(copy, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
        char *space = NULL;
        char *name = strtok_r(part, " ", &space);
        columns[count++] = (Column){name, test_type(arena, strtok_r(NULL, " ", &space))};
    }
    return schema_new(arena, columns, count);
}

/* --------------------------------------------------------------- expressions */

static inline const Expr *test_column(Arena *arena, const Schema *schema, const char *name)
{
    int32_t column = schema_find(schema, name);
    ck_assert_msg(column >= 0, "column %s", name);
    Expr *expr = arena_new_one(arena, Expr);
    *expr = (Expr){.kind = EXPR_COLUMN,
                   .type = schema->columns[column].type,
                   .sql_offset = -1,
                   .column = (uint32_t)column};
    return expr;
}

static inline const Expr *test_literal(Arena *arena, const Type *type)
{
    Vector *vector = arena_new_one(arena, Vector);
    vector_init_constant(vector, type, arena);
    Expr *expr = arena_new_one(arena, Expr);
    *expr = (Expr){.kind = EXPR_LITERAL, .type = type, .sql_offset = -1, .literal = vector};
    return expr;
}

static inline const Expr *test_int(Arena *arena, int32_t value)
{
    const Expr *expr = test_literal(arena, &type_int);
    Vector *vector = (Vector *)(uintptr_t)expr->literal;
    vector_set_valid(vector, 0);
    *(int32_t *)vector->data = value;
    return expr;
}

static inline const Expr *test_text(Arena *arena, const char *value)
{
    const Expr *expr = test_literal(arena, &type_string);
    Vector *vector = (Vector *)(uintptr_t)expr->literal;
    vector_set_valid(vector, 0);
    vector_set_str(vector, 0, str_of(value), arena);
    return expr;
}

/* A call whose arguments already have the types it wants. */
static inline const Expr *test_call(Arena *arena, const char *name, uint32_t count, ...)
{
    const Expr **args = arena_new_array(arena, const Expr *, count + 1);
    const Type **types = arena_new_array(arena, const Type *, count + 1);
    const Vector **literals = arena_new_array(arena, const Vector *, count + 1);
    va_list list;
    va_start(list, count);
    for (uint32_t i = 0; i < count; i++) {
        args[i] = va_arg(list, const Expr *);
        types[i] = args[i]->type;
        literals[i] = args[i]->literal;
    }
    va_end(list);
    FunctionSite site = {types, literals, count, NULL, arena};
    Expr *expr = arena_new_one(arena, Expr);
    Error error = {0};
    *expr = (Expr){
        .kind = EXPR_CALL, .sql_offset = 7, .sql_length = 3, .args = args, .arg_count = count};
    ck_assert_msg(function_bind(name, &site, &expr->call, &error), "%s: %s", name, error.message);
    expr->type = expr->call.result;
    for (uint32_t i = 0; i < count; i++)
        ck_assert_msg(args[i]->type->physical == expr->call.argument_types[i]->physical,
                      "%s: argument %u needs a cast", name, i);
    return expr;
}

/* AND, OR, CASE, COALESCE. */
static inline const Expr *test_lazy(Arena *arena, ExprKind kind, const Type *type, uint32_t count,
                                    ...)
{
    const Expr **args = arena_new_array(arena, const Expr *, count + 1);
    va_list list;
    va_start(list, count);
    for (uint32_t i = 0; i < count; i++)
        args[i] = va_arg(list, const Expr *);
    va_end(list);
    Expr *expr = arena_new_one(arena, Expr);
    *expr = (Expr){.kind = kind, .type = type, .sql_offset = -1, .args = args, .arg_count = count};
    return expr;
}

/* Binds an aggregate over columns of the input. */
static inline PlanAggregateCall test_aggregate(Arena *arena, const Schema *schema, const char *name,
                                               const char *column, bool retracting)
{
    PlanAggregateCall call = {.filter = -1};
    const Type **types = arena_new_array(arena, const Type *, 1);
    const Vector **literals = arena_new_array(arena, const Vector *, 1);
    if (column != NULL) {
        uint32_t *arguments = arena_new_array(arena, uint32_t, 1);
        int32_t found = schema_find(schema, column);
        ck_assert_msg(found >= 0, "column %s", column);
        arguments[0] = (uint32_t)found;
        types[0] = schema->columns[found].type;
        call.arguments = arguments;
        call.argument_count = 1;
    }
    FunctionSite site = {types, literals, call.argument_count, NULL, arena};
    Error error = {0};
    ck_assert_msg(aggregate_bind(name, &site, retracting, &call.call, &error), "%s", error.message);
    return call;
}

static inline const uint32_t *test_columns(Arena *arena, uint32_t count, ...)
{
    uint32_t *columns = arena_new_array(arena, uint32_t, count + 1);
    va_list list;
    va_start(list, count);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = va_arg(list, uint32_t);
    va_end(list);
    return columns;
}

/* ------------------------------------------------------------------ operator */

typedef struct Bench {
    Arena *arena;          /* of plan and test */
    Arena *instance_arena; /* of the operator */
    PlanNode node;
    PlanNode inputs[2];
    PlanInput plan_inputs[2];
    FunctionEnvironment environment;
    OperatorContext context;
    const OperatorClass *class;
    Operator *op;
    Emitter emitter;
    StateChunk *chunks; /* of all snapshots, oldest first */
    uint32_t chunk_count;
    uint32_t chunk_capacity;
} Bench;

static inline Bench *bench_new(uint32_t batch_rows)
{
    Bench *bench = memory_zalloc(sizeof(*bench));
    bench->arena = arena_new(1 << 16);
    bench->emitter.batch_rows = batch_rows;
    bench->environment.clock = &clock_system;
    bench->node.traits = (StreamTraits){.kinds = CHANGES_ALL, .wants_before = true, .rowtime = -1};
    return bench;
}

static inline void bench_input(Bench *bench, const Schema *schema, ChangeKinds kinds)
{
    uint32_t i = bench->node.input_count++;
    bench->inputs[i] = (PlanNode){.id = i, .op = "test", .schema = schema, .traits.kinds = kinds};
    bench->plan_inputs[i] = (PlanInput){.node = &bench->inputs[i]};
    bench->node.inputs = bench->plan_inputs;
}

static inline void bench_start_instance(Bench *bench)
{
    Error error = {0};
    bench->instance_arena = arena_new(1 << 16);
    StateConfig config = {.owner = "test", .max_parallelism = 128, .last_key_group = 127};
    bench->context = (OperatorContext){
        .node = &bench->node,
        .parallelism = 1,
        .state = state_store_new(&config),
        .environment = &bench->environment,
        .batch_rows = bench->emitter.batch_rows,
        .arena = bench->instance_arena,
    };
    bench->op = bench->class->open(&bench->context, &error);
    ck_assert_msg(bench->op != NULL, "%s", error.message);
}

static inline void bench_stop_instance(Bench *bench)
{
    if (bench->class->close != NULL)
        bench->class->close(bench->op);
    state_store_free(bench->context.state);
    arena_free(bench->instance_arena);
}

static inline void bench_open(Bench *bench, const OperatorClass *class, const Schema *output,
                              const void *spec)
{
    bench->class = class;
    bench->node.op = class->name;
    bench->node.schema = output;
    bench->node.spec = spec;
    bench_start_instance(bench);
}

static inline void bench_free(Bench *bench)
{
    bench_stop_instance(bench);
    buffer_deinit(&bench->emitter.text);
    arena_free(bench->arena);
    free(bench->chunks);
    free(bench);
}

static inline bool bench_try(Bench *bench, uint32_t input, Batch *batch, Error *error)
{
    return bench->class->batch(bench->op, input, batch, &bench->emitter, error);
}

/* Gives the operator lines of changes, in batches of the bench's size; a -U keeps its +U. */
static inline void bench_feed(Bench *bench, uint32_t input, const char *lines)
{
    Error error = {0};
    const Schema *schema = bench->inputs[input].schema;
    Batch *batch = NULL;
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        if (batch == NULL)
            batch = batch_new(schema, bench->emitter.batch_rows + 1);
        ck_assert_msg(changelog_read_row(batch, (Str){lines, length}, NULL, &error), "%s: %.*s",
                      error.message, (int)length, lines);
        lines += length + (lines[length] == '\n');
        bool open_pair = batch_kind(batch, batch->row_count - 1) == CHANGE_UPDATE_BEFORE &&
                         strncmp(lines, "+U", 2) == 0;
        if (batch->row_count < bench->emitter.batch_rows || open_pair)
            continue;
        ck_assert_msg(bench_try(bench, input, batch, &error), "%s", error.message);
        batch = NULL;
    }
    if (batch != NULL)
        ck_assert_msg(bench_try(bench, input, batch, &error), "%s", error.message);
}

/* Checks what was passed on since the last look. */
static inline void bench_expect(Bench *bench, const char *lines)
{
    ck_assert_str_eq(buffer_text(&bench->emitter.text), lines);
    buffer_clear(&bench->emitter.text);
}

static inline void bench_check(Bench *bench, uint32_t input, const char *in, const char *out)
{
    bench_feed(bench, input, in);
    bench_expect(bench, out);
}

static inline void bench_end(Bench *bench)
{
    Error error = {0};
    if (bench->class->end != NULL)
        ck_assert_msg(bench->class->end(bench->op, &bench->emitter, &error), "%s", error.message);
}

/* ------------------------------------------------------------------- restart */

static inline void bench_keep_chunk(void *to, const StateChunk *chunk)
{
    Bench *bench = to;
    if (bench->chunk_count == bench->chunk_capacity) {
        bench->chunk_capacity = bench->chunk_capacity * 2 + 64;
        bench->chunks = memory_realloc(bench->chunks, sizeof(StateChunk) * bench->chunk_capacity);
    }
    StateChunk *copy = &bench->chunks[bench->chunk_count++];
    *copy = *chunk;
    copy->table = arena_strdup(bench->arena, chunk->table);
    copy->bytes.data = arena_memdup(bench->arena, chunk->bytes.data, chunk->bytes.length);
}

/* Snapshots the state, throws the instance away and makes a new one from all snapshots so far. */
static inline void bench_restart(Bench *bench)
{
    Error error = {0};
    state_snapshot(bench->context.state, bench_keep_chunk, bench);
    bench_stop_instance(bench);
    bench_start_instance(bench);
    for (uint32_t i = 0; i < bench->chunk_count; i++)
        ck_assert_msg(state_restore(bench->context.state, &bench->chunks[i], &error), "%s",
                      error.message);
    ck_assert_msg(state_restore_end(bench->context.state, &error), "%s", error.message);
    if (bench->class->restored != NULL)
        ck_assert_msg(bench->class->restored(bench->op, &error), "%s", error.message);
}

/* ----------------------------------------------------------- random changes */

typedef struct TestRandom {
    uint64_t state;
} TestRandom;

static inline TestRandom test_random(const char *test)
{
    const char *given = getenv("WEIR_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("%s: WEIR_TEST_SEED=%llu\n", test, (unsigned long long)seed);
    fflush(stdout);
    return (TestRandom){seed};
}

static inline uint32_t test_below(TestRandom *random, uint32_t bound)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) % bound);
}

/* A bag of rows as text: what a change stream adds up to. */
typedef struct Fold {
    char *rows[8192];
    uint32_t count;
} Fold;

static inline void fold_free(Fold *fold)
{
    for (uint32_t i = 0; i < fold->count; i++)
        free(fold->rows[i]);
    fold->count = 0;
}

static inline void fold_add(Fold *fold, const char *row, size_t length)
{
    ck_assert(fold->count < array_count(fold->rows));
    fold->rows[fold->count++] = strndup(row, length);
}

static inline void fold_remove(Fold *fold, const char *row, size_t length)
{
    for (uint32_t i = 0; i < fold->count; i++) {
        if (strlen(fold->rows[i]) != length || memcmp(fold->rows[i], row, length) != 0)
            continue;
        free(fold->rows[i]);
        fold->rows[i] = fold->rows[--fold->count];
        return;
    }
    ck_abort_msg("taken back but never given: %.*s", (int)length, row);
}

/* Applies changes; every retraction must find its row. */
static inline void fold_apply(Fold *fold, const char *lines)
{
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        ck_assert(length > 2);
        if (lines[1] == 'U' ? lines[0] == '-' : lines[1] == 'D')
            fold_remove(fold, lines + 2, length - 2);
        else
            fold_add(fold, lines + 2, length - 2);
        lines += length + (lines[length] == '\n');
    }
}

static inline int fold_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void fold_compare(Fold *actual, Fold *expected)
{
    qsort(actual->rows, actual->count, sizeof(char *), fold_order);
    qsort(expected->rows, expected->count, sizeof(char *), fold_order);
    for (uint32_t i = 0; i < actual->count && i < expected->count; i++)
        ck_assert_str_eq(actual->rows[i], expected->rows[i]);
    ck_assert_uint_eq(actual->count, expected->count);
}

/* Moves what was passed on since the last look into the fold. */
static inline void bench_fold(Bench *bench, Fold *fold)
{
    fold_apply(fold, buffer_text(&bench->emitter.text));
    buffer_clear(&bench->emitter.text);
}

static inline int test_run(const char *name, TCase *test_case)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
