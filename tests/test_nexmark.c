/* nexmark: the benchmark's figures, the same rows for every parallelism and after a restore, fields
 * that nobody reads, bad tables.
 *
 * What is exact is compared exactly. What is drawn is compared with the mean and the deviation that
 * the benchmark's formulas have over seeds: four deviations are allowed. */
#include "tests/connector_testing.h"

#include <math.h>

#include "connectors/nexmark/generator.h"
#include "tests/suite.h"

extern const Connector connector_nexmark;

#define EVENTS    100000
#define INSTANCES 5

static const Type *row_type(Arena *arena, NexmarkKind kind)
{
    const NexmarkField *fields = nexmark_fields(kind);
    TypeField *members = arena_new_array(arena, TypeField, NEXMARK_FIELDS_MAX);
    uint32_t count = 0;
    for (; fields[count].name != NULL; count++) {
        const Type *type = fields[count].form == NEXMARK_BIGINT ? &type_bigint
                           : fields[count].form == NEXMARK_TEXT ? &type_string
                                                                : &type_timestamp_3;
        members[count] = (TypeField){fields[count].name, type};
    }
    return type_new_nested(arena, TYPE_ROW, true, members, count);
}

static void nexmark_table(TestTable *table, const char *events)
{
    table_start(table);
    table_column(table, "event_type", &type_int);
    table_column(table, "person", row_type(table->arena, NEXMARK_PERSON));
    table_column(table, "auction", row_type(table->arena, NEXMARK_AUCTION));
    table_column(table, "bid", row_type(table->arena, NEXMARK_BID));
    table_option(table, "events.num", events);
}

static Source *open_source(TestTable *table, const SourceContext *context)
{
    Error error;
    ck_assert_msg(table_check(table, &connector_nexmark, &error), "%s", error.message);
    Source *source = connector_nexmark.source->open(context, &error);
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
        state = connector_nexmark.source->next(source, 100, &batch, &scan, &error);
    while (state == SOURCE_IDLE);
    return state == SOURCE_BATCH ? batch : NULL;
}

static int64_t number_at(const Batch *batch, uint32_t column, uint32_t field, uint32_t row)
{
    return ((const int64_t *)batch->columns[column].children[field].data)[row];
}

static Str text_at(const Batch *batch, uint32_t column, uint32_t field, uint32_t row)
{
    return vector_str(&batch->columns[column].children[field], row);
}

/* What a run is judged by. */
typedef struct Figures {
    double kinds[NEXMARK_KINDS];
    double hot_auctions, hot_bidders, divisible, hot_channels, with_id, price_sum, middle_prices;
    double c_letters, extra_bytes, categories[5], expiry_ms, email_bytes, item_bytes;
    int64_t last_person, last_auction, last_time;
} Figures;

/* check's own assertions write a line each; millions of them would take minutes. */
static void hold(bool condition)
{
    if (!condition)
        ck_abort_msg("a value is not what the generator may give");
}

static bool has_channel_id(Str url)
{
    return memmem(url.data, url.length, "&channel_id=", 12) != NULL;
}

static void count_bid(Figures *figures, const Batch *batch, uint32_t row)
{
    int64_t auction = number_at(batch, 3, 0, row), bidder = number_at(batch, 3, 1, row);
    int64_t price = number_at(batch, 3, 2, row);
    hold(auction >= 1000);
    hold(auction <= 1010 + (figures->last_auction < 1000 ? 0 : figures->last_auction));
    hold(bidder >= 2000);
    hold(price >= 100);
    hold(price <= 100000000);
    figures->hot_auctions += auction % 100 == 0;
    figures->hot_bidders += bidder % 100 == 1;
    figures->divisible += auction % 123 == 0;
    figures->price_sum += (double)price;
    figures->middle_prices += price >= 10000 && price < 1000000;
    Str channel = text_at(batch, 3, 3, row), url = text_at(batch, 3, 4, row);
    Str extra = text_at(batch, 3, 6, row);
    bool is_hot = channel.length < 8 || memcmp(channel.data, "channel-", 8) != 0;
    figures->hot_channels += is_hot;
    figures->with_id += has_channel_id(url) || is_hot;
    hold(url.length >= 52 && url.length <= 78);
    hold(extra.length >= 54 && extra.length <= 81);
    figures->extra_bytes += (double)extra.length;
    for (size_t i = 0; i < extra.length; i++)
        figures->c_letters += extra.data[i] == 'c';
}

static void count_auction(Figures *figures, const Batch *batch, uint32_t row)
{
    int64_t id = number_at(batch, 2, 0, row);
    hold((id) == (figures->last_auction + 1));
    figures->last_auction = id;
    hold(number_at(batch, 2, 4, row) >= number_at(batch, 2, 3, row) + 100);
    int64_t lives_us = number_at(batch, 2, 6, row) - number_at(batch, 2, 5, row);
    hold(lives_us >= 1000);
    hold(lives_us <= 332000);
    figures->expiry_ms += (double)lives_us / 1000;
    int64_t category = number_at(batch, 2, 8, row);
    hold(category >= 10 && category <= 14);
    figures->categories[category - 10]++;
    size_t extra = text_at(batch, 2, 9, row).length;
    hold(extra >= 267 && extra <= 541);
    figures->item_bytes += (double)text_at(batch, 2, 1, row).length;
}

static void count_person(Figures *figures, const Batch *batch, uint32_t row)
{
    int64_t id = number_at(batch, 1, 0, row);
    hold((id) == (figures->last_person + 1));
    figures->last_person = id;
    hold(text_at(batch, 1, 3, row).length == 19);
    hold(text_at(batch, 1, 5, row).length == 2);
    size_t extra = text_at(batch, 1, 7, row).length;
    hold(extra >= 103 && extra <= 181);
    figures->email_bytes += (double)text_at(batch, 1, 2, row).length;
}

static void count_batch(Figures *figures, const Batch *batch)
{
    static const uint32_t time_fields[] = {6, 5, 5};
    for (uint32_t row = 0; row < batch->row_count; row++) {
        int32_t kind = ((const int32_t *)batch->columns[0].data)[row];
        figures->kinds[kind]++;
        for (int32_t k = 0; k < NEXMARK_KINDS; k++) {
            const Vector *vector = &batch->columns[k + 1];
            hold((vector_is_null(vector, row)) == (k != kind));
            for (uint32_t f = 0; f < vector->type->field_count; f++)
                hold((vector_is_null(&vector->children[f], row)) == (k != kind));
        }
        int64_t time = number_at(batch, (uint32_t)kind + 1, time_fields[kind], row);
        hold(time >= figures->last_time);
        figures->last_time = time;
        if (kind == NEXMARK_BID)
            count_bid(figures, batch, row);
        else if (kind == NEXMARK_AUCTION)
            count_auction(figures, batch, row);
        else
            count_person(figures, batch, row);
    }
}

static void near(double value, double expected, double deviation, const char *what)
{
    ck_assert_msg(fabs(value - expected) <= 4 * deviation, "%s is %g, expected %g ± %g", what,
                  value, expected, deviation);
}

static Figures figures_of(const char *seed)
{
    TestTable table;
    nexmark_table(&table, "100000");
    table_option(&table, "seed", seed);
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&table, &context);
    Figures figures;
    memset(&figures, 0, sizeof(figures));
    figures.last_person = figures.last_auction = 1000;
    for (Batch *batch; (batch = next_batch(source)) != NULL; batch_release(batch))
        count_batch(&figures, batch);
    connector_nexmark.source->close(source);
    table_end(&table);
    return figures;
}

START_TEST(figures_are_the_benchmarks)
{
    char seed[8];
    snprintf(seed, sizeof(seed), "%d", _i * 7919);
    Figures figures = figures_of(seed);
    double bids = figures.kinds[NEXMARK_BID], auctions = figures.kinds[NEXMARK_AUCTION];
    double persons = figures.kinds[NEXMARK_PERSON];
    ck_assert(persons == 2000 && auctions == 6000 && bids == 92000);
    ck_assert_int_eq(figures.last_person, 1000 + EVENTS / 50);
    ck_assert_int_eq(figures.last_auction, 1000 + 3 * EVENTS / 50);
    ck_assert_int_eq(figures.last_time, (INT64_C(1735689600000) + EVENTS / 10) * 1000);
    near(figures.hot_auctions / bids, 0.5051, 0.0016, "bids on hot auctions");
    near(figures.hot_bidders / bids, 0.7528, 0.0014, "bids of hot bidders");
    near(figures.divisible / bids, 0.0040, 0.0003, "bids on auctions divisible by 123");
    near(figures.hot_channels / bids, 0.5, 0.0022, "bids through hot channels");
    near(figures.with_id / bids, 0.95, 0.0023, "bids with a channel id");
    near(figures.middle_prices / bids, 0.3333, 0.0016, "bids of the middle price rank");
    near(figures.price_sum / bids, 7238234, 60000, "mean price");
    near(figures.c_letters / bids, 1.301, 0.015, "letters c in the padding");
    near(figures.extra_bytes / bids, 67.5, 0.05, "padding of a bid");
    near(figures.expiry_ms / auctions, 166.5, 1.3, "life of an auction");
    near(figures.item_bytes / auctions, 10.83, 0.09, "name of an item");
    near(figures.email_bytes / persons, 12.67, 0.05, "email address");
    for (uint32_t i = 0; i < 5; i++)
        near(figures.categories[i] / auctions, 0.2, 0.0052, "a category");
}
END_TEST

/* All rows, each with its number so that those of several instances can be put in order. */
static void read_some(Source *source, uint32_t batches, char **lines, uint32_t capacity)
{
    static const uint32_t time_fields[] = {6, 5, 5};
    for (uint32_t i = 0; i < batches; i++) {
        Batch *batch = next_batch(source);
        if (batch == NULL)
            return;
        Buffer text = {0};
        changelog_print(batch, time_zone_utc(), &text);
        int32_t kind = ((const int32_t *)batch->columns[0].data)[0];
        /* At 1000 events a second an event's time is its number. */
        int64_t time = number_at(batch, (uint32_t)kind + 1, time_fields[kind], 0);
        uint32_t at = (uint32_t)(time / 1000 - INT64_C(1735689600000));
        for (char *line = (char *)(uintptr_t)buffer_text(&text), *end; at < capacity && *line != 0;
             line = end + 1) {
            end = strchr(line, '\n');
            *end = 0;
            ck_assert_ptr_null(lines[at]);
            lines[at++] = strdup(line);
        }
        buffer_deinit(&text);
        batch_release(batch);
    }
}

static void read_all(uint32_t parallelism, uint32_t batches, uint32_t then, char **lines,
                     uint32_t capacity)
{
    TestTable table;
    nexmark_table(&table, "20000");
    table_option(&table, "first-event.rate", "1000");
    SourceContext context = source_context(table_scan(&table));
    Error error;
    TestPositions positions = {.arena = table.arena};
    Source *sources[INSTANCES];
    void *shared = NULL;
    context.shared = &shared;
    context.parallelism = parallelism;
    for (context.subtask = 0; context.subtask < parallelism; context.subtask++)
        sources[context.subtask] = open_source(&table, &context);
    for (uint32_t i = 0; i < parallelism; i++) {
        read_some(sources[i], batches, lines, capacity);
        ck_assert(connector_nexmark.source->position(sources[i], add_position, &positions, &error));
    }
    for (uint32_t i = 0; i < parallelism; i++)
        connector_nexmark.source->close(sources[i]);
    context.parallelism = then;
    context.restored = positions.items;
    context.restored_count = positions.count;
    context.is_restored = true;
    for (context.subtask = 0; context.subtask < then; context.subtask++)
        sources[context.subtask] = open_source(&table, &context);
    for (uint32_t i = 0; i < then; i++)
        read_some(sources[i], i + 1 == then ? UINT32_MAX : 2, lines, capacity);
    for (uint32_t i = 0; i < then; i++)
        connector_nexmark.source->close(sources[i]);
    table_end(&table);
}

START_TEST(the_same_rows_at_any_parallelism_and_after_a_restore)
{
    static const uint32_t ways[][3] = {{1, UINT32_MAX, 1}, {1, 3, 1}, {3, 2, 1}, {2, 1, 5}};
    enum { ROWS = 20001, WAYS = 4 };
    char **lines[WAYS];
    for (uint32_t way = 0; way < WAYS; way++) {
        lines[way] = calloc(ROWS, sizeof(char *));
        read_all(ways[way][0], ways[way][1], ways[way][2], lines[way], ROWS);
        for (uint32_t i = 1; i < ROWS; i++)
            ck_assert_str_eq(lines[way][i], lines[0][i]);
    }
    for (uint32_t way = 0; way < WAYS; way++) {
        for (uint32_t i = 0; i < ROWS; i++)
            free(lines[way][i]);
        free(lines[way]);
    }
}
END_TEST

START_TEST(fields_that_nobody_reads_are_null)
{
    TestTable table;
    nexmark_table(&table, "100");
    const ScanInfo *all = table_scan(&table);
    uint64_t wanted[] = {0, 0, 0, 1 << 2};
    SourceContext full = source_context(all);
    ScanInfo some = *all;
    some.fields = wanted;
    SourceContext part = source_context(&some);
    Source *sources[] = {open_source(&table, &full), open_source(&table, &part)};
    Batch *batches[] = {next_batch(sources[0]), next_batch(sources[1])};
    for (uint32_t row = 0; row < 100; row++) {
        for (uint32_t f = 0; f < 7; f++)
            ck_assert(f == 2 || vector_is_null(&batches[1]->columns[3].children[f], row));
        ck_assert_int_eq(vector_is_null(&batches[0]->columns[3], row),
                         vector_is_null(&batches[1]->columns[3], row));
        ck_assert_int_eq(number_at(batches[0], 3, 2, row), number_at(batches[1], 3, 2, row));
    }
    for (uint32_t i = 0; i < 2; i++) {
        batch_release(batches[i]);
        connector_nexmark.source->close(sources[i]);
    }
    table_end(&table);
}
END_TEST

/* A batch that is kept stays as it is, however many come after it, and so do those that are let go
 * at once: their memory is used again. */
START_TEST(a_batch_stays_while_it_is_kept)
{
    enum { KEPT = 40 };
    TestTable table;
    nexmark_table(&table, "100000");
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&table, &context), *again = open_source(&table, &context);
    Batch *kept[KEPT];
    for (uint32_t b = 0; b < KEPT; b++)
        kept[b] = next_batch(source);
    for (uint32_t b = 0; b < KEPT; b++) {
        Batch *batch = next_batch(again);
        hold(batch->row_count == kept[b]->row_count);
        for (uint32_t row = 0; row < batch->row_count; row++)
            for (uint32_t c = 0; c < batch->column_count; c++)
                hold(vector_values_equal(&batch->columns[c], row, &kept[b]->columns[c], row));
        batch_release(batch);
        if (b % 3 == 0) /* out of order */
            batch_release(kept[b]);
    }
    connector_nexmark.source->close(source);
    connector_nexmark.source->close(again);
    for (uint32_t b = 0; b < KEPT; b++)
        if (b % 3 != 0)
            batch_release(kept[b]);
    table_end(&table);
}
END_TEST

START_TEST(prices_do_not_depend_on_the_machine)
{
    TestTable table;
    nexmark_table(&table, "2000");
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&table, &context);
    Batch *batch = next_batch(source);
    uint64_t sum = 0;
    for (uint32_t row = 0; row < batch->row_count; row++)
        if (!vector_is_null(&batch->columns[3], row))
            sum = sum * 31 + (uint64_t)number_at(batch, 3, 2, row);
    ck_assert_uint_eq(sum, UINT64_C(11511793412103607349));
    batch_release(batch);
    connector_nexmark.source->close(source);
    table_end(&table);
}
END_TEST

static void refused(TestTable *table, const char *with)
{
    Error error;
    ck_assert(!table_check(table, &connector_nexmark, &error));
    ck_assert_msg(strstr(error.message, with) != NULL, "%s", error.message);
    table_end(table);
}

START_TEST(bad_tables_are_refused)
{
    TestTable table;
    nexmark_table(&table, "-1");
    refused(&table, "events.num");
    nexmark_table(&table, "1");
    table_option(&table, "next-event.rate", "5");
    refused(&table, "differs from \"first-event.rate\"");
    nexmark_table(&table, "1");
    table_option(&table, "rate.limited", "true");
    refused(&table, "\"rate.limited\" is not supported");
    nexmark_table(&table, "1");
    table_option(&table, "base-time", "yesterday");
    refused(&table, "no timestamp: \"yesterday\"");
    nexmark_table(&table, "1");
    table_option(&table, "person.proportion", "0");
    table_option(&table, "auction.proportion", "0");
    table_option(&table, "bid.proportion", "0");
    refused(&table, "all 0");
    nexmark_table(&table, "1");
    table_column(&table, "seller", &type_bigint);
    refused(&table, "no column \"seller\"");
    nexmark_table(&table, "1");
    table.columns[0].type = &type_bigint;
    refused(&table, "must be of type INT");
    nexmark_table(&table, "1");
    table.columns[3].type = row_type(table.arena, NEXMARK_PERSON);
    refused(&table, "bid has no field \"id\"");
}
END_TEST

START_TEST(a_kind_may_be_left_out)
{
    TestTable table;
    nexmark_table(&table, "5000");
    table_option(&table, "person.proportion", "0");
    table_option(&table, "auction.proportion", "0");
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&table, &context);
    uint32_t rows = 0;
    for (Batch *batch; (batch = next_batch(source)) != NULL; batch_release(batch)) {
        rows += batch->row_count;
        for (uint32_t row = 0; row < batch->row_count; row++) {
            int64_t auction = number_at(batch, 3, 0, row), bidder = number_at(batch, 3, 1, row);
            ck_assert(auction >= 1000 && auction < 1010);
            ck_assert(bidder == 2001 || (bidder >= 2000 && bidder < 2010));
        }
    }
    ck_assert_uint_eq(rows, 5000);
    connector_nexmark.source->close(source);
    table_end(&table);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("nexmark");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, figures_are_the_benchmarks, 0, 2);
    tcase_add_test(cases, the_same_rows_at_any_parallelism_and_after_a_restore);
    tcase_add_test(cases, fields_that_nobody_reads_are_null);
    tcase_add_test(cases, a_batch_stays_while_it_is_kept);
    tcase_add_test(cases, prices_do_not_depend_on_the_machine);
    tcase_add_test(cases, bad_tables_are_refused);
    tcase_add_test(cases, a_kind_may_be_left_out);
    return test_run("nexmark", cases);
}
