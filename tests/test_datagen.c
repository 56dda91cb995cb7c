/* datagen: random ranges, sequences, NULLs, determinism, positions at another parallelism, bad
 * options. */
#include "tests/connector_testing.h"

#include "core/clock.h"
#include "core/decimal.h"
#include "tests/suite.h"

extern const Connector connector_datagen;

static Source *open_source(TestTable *table, const SourceContext *context)
{
    Error error;
    ck_assert_msg(table_check(table, &connector_datagen, &error), "%s", error.message);
    Source *source = connector_datagen.source->open(context, &error);
    ck_assert_msg(source != NULL, "%s", error.message);
    return source;
}

static Batch *next_batch(Source *source)
{
    Error error;
    Batch *batch = NULL;
    uint32_t scan;
    SourceState state;
    do
        state = connector_datagen.source->next(source, 100, &batch, &scan, &error);
    while (state == SOURCE_IDLE);
    return state == SOURCE_BATCH ? batch : NULL;
}

START_TEST(sequences_end)
{
    TestTable table;
    table_start(&table);
    table_column(&table, "id", &type_bigint);
    table_column(&table, "name", &type_string);
    table_column(&table, "price", type_new(table.arena, TYPE_DECIMAL, true, 10, 2));
    table_option(&table, "fields.id.kind", "sequence");
    table_option(&table, "fields.id.start", "-1");
    table_option(&table, "fields.id.end", "2");
    table_option(&table, "fields.name.kind", "SEQUENCE");
    table_option(&table, "fields.name.start", "8");
    table_option(&table, "fields.name.end", "10");
    table_option(&table, "fields.price.kind", "sequence");
    table_option(&table, "fields.price.start", "5");
    table_option(&table, "fields.price.end", "5000");
    ck_assert(connector_datagen.is_bounded(&table.info));
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&table, &context);
    Buffer text = {0};
    Error error;
    ck_assert(source_read(connector_datagen.source, source, UINT32_MAX, &text, &error));
    ck_assert_str_eq(buffer_text(&text), "+I[-1, 8, 5.00]\n+I[0, 9, 6.00]\n+I[1, 10, 7.00]\n");
    connector_datagen.source->close(source);
    buffer_deinit(&text);
    table_end(&table);
}
END_TEST

START_TEST(random_values_stay_in_range)
{
    TestTable table;
    table_start(&table);
    table_column(&table, "t", &type_tinyint);
    table_column(&table, "i", &type_int);
    table_column(&table, "d", &type_double);
    table_column(&table, "n", type_new(table.arena, TYPE_DECIMAL, true, 30, 3));
    table_column(&table, "s", &type_string);
    table_column(&table, "ts", &type_timestamp_3);
    table_column(&table, "c", type_new(table.arena, TYPE_CHAR, true, 7, 0));
    table_option(&table, "rows-per-second", "100000000");
    table_option(&table, "number-of-rows", "20000");
    table_option(&table, "fields.i.min", "-3");
    table_option(&table, "fields.i.max", "4");
    table_option(&table, "fields.i.null-rate", "0.25");
    table_option(&table, "fields.d.min", "1.5");
    table_option(&table, "fields.d.max", "2.5");
    table_option(&table, "fields.n.min", "0.001");
    table_option(&table, "fields.n.max", "7.5");
    table_option(&table, "fields.s.length", "20");
    table_option(&table, "fields.s.var-len", "true");
    table_option(&table, "fields.ts.max-past", "10 s");
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&table, &context);
    uint32_t rows = 0, nulls = 0, seen[8] = {0}, lengths[21] = {0};
    int64_t now = clock_system.now_us(&clock_system);
    for (Batch *batch; (batch = next_batch(source)) != NULL; batch_release(batch)) {
        nulls += vector_count_nulls(&batch->columns[1], batch->row_count);
        for (uint32_t i = 0; i < batch->row_count; i++) {
            if (!vector_is_null(&batch->columns[1], i)) {
                int32_t value = ((int32_t *)batch->columns[1].data)[i];
                ck_assert(value >= -3 && value <= 4);
                seen[value + 3]++;
            }
            double real = ((double *)batch->columns[2].data)[i];
            ck_assert(real >= 1.5 && real <= 2.5);
            int128_t number = ((int128_t *)batch->columns[3].data)[i];
            ck_assert(number >= 1 && number <= 7500);
            Str text = vector_str(&batch->columns[4], i);
            ck_assert(text.length >= 1 && text.length <= 20);
            ck_assert(strspn(text.data, "0123456789abcdef") >= text.length);
            lengths[text.length]++;
            int64_t ts = ((int64_t *)batch->columns[5].data)[i];
            ck_assert(ts % 1000 == 0 && ts > now - 20000000 && ts < now + 60000000);
            ck_assert_uint_eq(vector_str(&batch->columns[6], i).length, 7);
        }
        rows += batch->row_count;
    }
    ck_assert_uint_eq(rows, 20000);
    ck_assert(nulls > 4500 && nulls < 5500);
    for (uint32_t i = 0; i < 8; i++)
        ck_assert(seen[i] > 1600 && seen[i] < 2200);
    for (uint32_t i = 1; i <= 20; i++)
        ck_assert(lengths[i] > 800 && lengths[i] < 1200);
    connector_datagen.source->close(source);
    table_end(&table);
}
END_TEST

/* All rows, whatever the instances: a digest that does not see their order. */
static uint64_t read_all(Source *source, uint32_t batches, uint32_t *rows)
{
    uint64_t digest = 0;
    for (Batch *batch; batches-- != 0 && (batch = next_batch(source)) != NULL;
         batch_release(batch)) {
        for (uint32_t i = 0; i < batch->row_count; i++)
            digest +=
                (uint64_t)((int64_t *)batch->columns[0].data)[i] * UINT64_C(0x9E3779B97F4A7C15);
        *rows += batch->row_count;
    }
    return digest;
}

/* The instances of a job, which share what there is to make. */
typedef struct Instances {
    Source *sources[4];
    uint32_t count;
    void *shared;
} Instances;

static void open_instances(Instances *instances, TestTable *table, uint32_t count,
                           const TestPositions *from)
{
    SourceContext context = source_context(table_scan(table));
    *instances = (Instances){.count = count};
    context.parallelism = count;
    context.shared = &instances->shared;
    if (from != NULL) {
        context.is_restored = true;
        context.restored = from->items;
        context.restored_count = from->count;
    }
    for (uint32_t i = 0; i < count; i++) {
        context.subtask = i;
        instances->sources[i] = open_source(table, &context);
    }
}

static void close_instances(Instances *instances, TestPositions *positions)
{
    const SourceClass *class = connector_datagen.source;
    Error error;
    for (uint32_t i = 0; i < instances->count; i++)
        if (positions != NULL)
            ck_assert(class->position(instances->sources[i], add_position, positions, &error));
    for (uint32_t i = 0; i < instances->count; i++)
        class->close(instances->sources[i]);
    ck_assert_ptr_null(instances->shared);
}

START_TEST(the_same_rows_at_any_parallelism_and_after_a_restore)
{
    TestTable table;
    table_start(&table);
    table_column(&table, "v", &type_bigint);
    table_option(&table, "rows-per-second", "1000000000");
    table_option(&table, "number-of-rows", "50001");
    table_option(&table, "seed", "7");
    SourceContext context = source_context(table_scan(&table));
    uint32_t rows = 0;
    Source *source = open_source(&table, &context);
    uint64_t expected = read_all(source, UINT32_MAX, &rows);
    connector_datagen.source->close(source);
    ck_assert_uint_eq(rows, 50001);

    rows = 0;
    uint64_t digest = 0;
    TestPositions positions[] = {{.arena = table.arena}, {.arena = table.arena}};
    Instances instances;
    open_instances(&instances, &table, 3, NULL);
    for (uint32_t i = 0; i < 3; i++)
        digest += read_all(instances.sources[i], i * 2, &rows);
    close_instances(&instances, &positions[0]);
    table_option(&table, "rows-per-second", "100000");
    open_instances(&instances, &table, 2, &positions[0]);
    digest += read_all(instances.sources[1], 2, &rows);
    close_instances(&instances, &positions[1]);
    table_option(&table, "rows-per-second", "1000000000");
    open_instances(&instances, &table, 4, &positions[1]);
    for (uint32_t i = 0; i < 4; i++)
        digest += read_all(instances.sources[3 - i], i == 3 ? UINT32_MAX : 1, &rows);
    close_instances(&instances, NULL);
    ck_assert_uint_eq(rows, 50001);
    ck_assert(digest == expected);
    table_option(&table, "seed", "8");
    context = source_context(table_scan(&table));
    source = open_source(&table, &context);
    ck_assert(read_all(source, UINT32_MAX, &rows) != expected);
    connector_datagen.source->close(source);
    table_end(&table);
}
END_TEST

START_TEST(the_rate_is_kept)
{
    TestTable table;
    table_start(&table);
    table_column(&table, "v", &type_bigint);
    table_option(&table, "rows-per-second", "2000");
    ck_assert(!connector_datagen.is_bounded(&table.info));
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&table, &context);
    int64_t start = clock_monotonic_us();
    uint32_t rows = 0;
    while (clock_monotonic_us() - start < 300000) {
        Batch *batch = next_batch(source);
        rows += batch->row_count;
        batch_release(batch);
    }
    ck_assert_msg(rows > 400 && rows < 800, "%u rows in 0.3 s", rows);
    connector_datagen.source->close(source);
    table_end(&table);
}
END_TEST

/* Also where there was one worker before. */
START_TEST(the_rate_is_kept_by_more_workers)
{
    TestTable table;
    table_start(&table);
    table_column(&table, "v", &type_bigint);
    table_option(&table, "rows-per-second", "2000");
    TestPositions positions = {.arena = table.arena};
    Instances instances;
    open_instances(&instances, &table, 1, NULL);
    batch_release(next_batch(instances.sources[0]));
    close_instances(&instances, &positions);
    open_instances(&instances, &table, 4, &positions);
    int64_t start = clock_monotonic_us();
    uint32_t rows = 0;
    while (clock_monotonic_us() - start < 300000)
        for (uint32_t i = 0; i < 4; i++) {
            Error error;
            Batch *batch = NULL;
            uint32_t scan;
            if (connector_datagen.source->next(instances.sources[i], 0, &batch, &scan, &error) ==
                SOURCE_BATCH) {
                rows += batch->row_count;
                batch_release(batch);
            }
        }
    ck_assert_msg(rows > 400 && rows < 800, "%u rows in 0.3 s", rows);
    close_instances(&instances, NULL);
    table_end(&table);
}
END_TEST

START_TEST(numbers_are_made_fast)
{
    TestTable table;
    table_start(&table);
    table_column(&table, "v", &type_bigint);
    table_option(&table, "rows-per-second", "9000000000000");
    table_option(&table, "fields.v.min", "0");
    table_option(&table, "fields.v.max", "999999");
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&table, &context);
    int64_t start = clock_monotonic_us();
    uint32_t rows = 0;
    read_all(source, 1000, &rows);
    printf("%.1f M rows/s\n", rows / (double)(clock_monotonic_us() - start));
    connector_datagen.source->close(source);
    table_end(&table);
}
END_TEST

typedef struct BadOption {
    const char *keys[3];
    const char *values[3];
    const char *message;
} BadOption;

static const BadOption bad_options[] = {
    {{"fields.x.min"}, {"1"}, "option \"fields.x.min\" names no column of table \"t\""},
    {{"fields.s.min"}, {"1"}, "option \"fields.s.min\" is only for random numbers"},
    {{"fields.v.length"},
     {"1"},
     "option \"fields.v.length\" is only for random VARCHAR and VARBINARY"},
    {{"fields.v.start"}, {"1"}, "option \"fields.v.start\" is only for sequences"},
    {{"fields.v.kind"}, {"sequence"}, "option \"fields.v.start\" is missing"},
    {{"fields.v.kind", "fields.v.start", "fields.v.end"},
     {"sequence", "5", "4"},
     "option \"fields.v.end\" lies before the start of the sequence"},
    {{"fields.b.kind", "fields.b.start", "fields.b.end"},
     {"sequence", "1", "2"},
     "column \"b\" cannot be a sequence: it is no number and no text"},
    {{"fields.v.min", "fields.v.max"},
     {"9", "8"},
     "option \"fields.v.max\" is smaller than the smallest value"},
    {{"fields.v.min"}, {"1.5"}, "\"1.5\" is no value of type BIGINT for option \"fields.v.min\""},
    {{"fields.v.null-rate"}, {"1.5"}, "option \"fields.v.null-rate\" is not between 0 and 1"},
    {{"fields.v.null-rate"}, {"nan"}, "option \"fields.v.null-rate\" is not between 0 and 1"},
};

START_TEST(bad_options_are_refused)
{
    for (size_t i = 0; i < array_count(bad_options); i++) {
        TestTable table;
        table_start(&table);
        table_column(&table, "v", &type_bigint);
        table_column(&table, "s", &type_string);
        table_column(&table, "b", &type_boolean);
        for (uint32_t k = 0; k < 3 && bad_options[i].keys[k] != NULL; k++)
            table_option(&table, bad_options[i].keys[k], bad_options[i].values[k]);
        Error error;
        ck_assert_msg(!table_check(&table, &connector_datagen, &error), "%s",
                      bad_options[i].message);
        ck_assert_int_eq(error.code, ERROR_OPTION);
        ck_assert_str_eq(error.message, bad_options[i].message);
        table_end(&table);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("datagen");
    tcase_add_test(cases, sequences_end);
    tcase_add_test(cases, random_values_stay_in_range);
    tcase_add_test(cases, the_same_rows_at_any_parallelism_and_after_a_restore);
    tcase_add_test(cases, the_rate_is_kept);
    tcase_add_test(cases, the_rate_is_kept_by_more_workers);
    tcase_add_test(cases, numbers_are_made_fast);
    tcase_add_test(cases, bad_options_are_refused);
    return test_run("datagen", cases);
}
