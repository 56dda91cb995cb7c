/* Splitting a batch by key and handing the parts over. See runtime/exchange.h. */
#include "executor/runtime/exchange.h"

#include "core/clock.h"
#include "core/hash.h"
#include "core/row.h"

/* A part of at most so many rows is copied whole when it would keep so much memory per row. */
#define COPY_ROWS_MAX      256
#define HELD_BYTES_PER_ROW 1024

struct Exchange {
    /* Fixed. */
    const uint32_t *keys;
    uint32_t key_count;
    const RowLayout *layout;
    uint32_t max_parallelism;
    const uint32_t *group_owners; /* by key group */
    const ExchangeTarget *targets;
    uint32_t target_count;
    ExchangeSender sender; /* its wait NULL: none */
    /* Scratch of one batch. */
    Arena *scratch;
    const Vector **key_columns;
    Str *encoded;
    uint64_t *hashes;
    uint32_t *owners;
    uint32_t *rows;   /* row numbers, grouped by owner */
    uint32_t *starts; /* of each owner in `rows`; one more than targets */
    int64_t waited_us;
};

static void close_scratch(void *scratch)
{
    arena_free(scratch);
}

Exchange *exchange_new(Arena *arena, const Schema *schema, const uint32_t *keys, uint32_t key_count,
                       uint32_t max_parallelism, const ExchangeTarget *targets,
                       uint32_t target_count, const ExchangeSender *sender)
{
    Exchange *exchange = arena_new_one(arena, Exchange);
    exchange->keys = keys;
    exchange->key_count = key_count;
    exchange->max_parallelism = max_parallelism;
    exchange->targets = targets;
    exchange->target_count = target_count;
    if (sender != NULL)
        exchange->sender = *sender;
    if (keys == NULL) {
        assert(target_count == 1);
        return exchange;
    }
    const Type **types = arena_new_array(arena, const Type *, key_count + 1);
    for (uint32_t i = 0; i < key_count; i++)
        types[i] = schema->columns[keys[i]].type;
    exchange->layout = row_layout_new(arena, types, key_count);
    uint32_t *owners = arena_new_array(arena, uint32_t, max_parallelism);
    for (uint32_t group = 0; group < max_parallelism; group++)
        owners[group] = key_group_owner(group, max_parallelism, target_count);
    exchange->group_owners = owners;
    exchange->scratch = arena_new(16384);
    arena_on_close(arena, close_scratch, exchange->scratch);
    exchange->key_columns = arena_new_array(arena, const Vector *, key_count + 1);
    exchange->encoded = arena_new_array(arena, Str, BATCH_ROWS_MAX);
    exchange->hashes = arena_new_array(arena, uint64_t, BATCH_ROWS_MAX);
    exchange->owners = arena_new_array(arena, uint32_t, BATCH_ROWS_MAX);
    exchange->rows = arena_new_array(arena, uint32_t, BATCH_ROWS_MAX);
    exchange->starts = arena_new_array(arena, uint32_t, target_count + 1);
    return exchange;
}

static bool push(Exchange *exchange, const ExchangeTarget *to, Message message)
{
    message.channel = to->channel;
    if (exchange->sender.wait == NULL)
        return inbox_push(to->inbox, message, &exchange->waited_us);
    InboxOffer offer;
    while ((offer = inbox_offer(to->inbox, &message, exchange->sender.bell)) == INBOX_FULL) {
        int64_t since_us = clock_monotonic_us();
        bool goes_on = exchange->sender.wait(exchange->sender.to);
        exchange->waited_us += clock_monotonic_us() - since_us;
        if (!goes_on) {
            batch_release(message.batch);
            return false;
        }
    }
    return offer == INBOX_SENT;
}

static bool send_batch(Exchange *exchange, uint32_t target, Batch *batch, Error *error)
{
    Message message = {.kind = MESSAGE_BATCH, .batch = batch};
    if (push(exchange, &exchange->targets[target], message))
        return true;
    return error_set(error, ERROR_CANCELLED, "the job is being cancelled");
}

bool exchange_send(Exchange *exchange, Message message, Error *error)
{
    bool sent = true;
    for (uint32_t i = 0; i < exchange->target_count && sent; i++)
        sent = push(exchange, &exchange->targets[i], message);
    return sent || error_set(error, ERROR_CANCELLED, "the job is being cancelled");
}

int64_t exchange_take_waited_us(Exchange *exchange)
{
    int64_t waited = exchange->waited_us;
    exchange->waited_us = 0;
    return waited;
}

/* Owners of the rows; returns how many it filled in: one when all rows have one key. */
static uint32_t find_owners(Exchange *exchange, const Batch *batch)
{
    bool uniform = true;
    for (uint32_t i = 0; i < exchange->key_count; i++) {
        exchange->key_columns[i] = &batch->columns[exchange->keys[i]];
        uniform = uniform && vector_is_uniform(exchange->key_columns[i], batch->row_count);
    }
    uint32_t count = uniform ? 1 : batch->row_count;
    arena_reset(exchange->scratch);
    row_encode(exchange->layout, exchange->key_columns, NULL, count, exchange->scratch,
               exchange->encoded);
    hash_many(exchange->encoded, count, exchange->hashes);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t group = hash_key_group(exchange->hashes[i], exchange->max_parallelism);
        exchange->owners[i] = exchange->group_owners[group];
    }
    return count;
}

/* Fills `rows` and `starts`: a counting sort by owner, which keeps the order within each. */
static void group_rows(Exchange *exchange, uint32_t count)
{
    uint32_t *starts = exchange->starts;
    memset(starts, 0, (exchange->target_count + 1) * sizeof(*starts));
    for (uint32_t i = 0; i < count; i++)
        starts[exchange->owners[i]]++;
    uint32_t at = 0;
    for (uint32_t i = 0; i <= exchange->target_count; i++) {
        uint32_t rows = starts[i];
        starts[i] = at;
        at += rows;
    }
    for (uint32_t i = 0; i < count; i++)
        exchange->rows[starts[exchange->owners[i]]++] = i;
    for (uint32_t i = exchange->target_count; i > 0; i--)
        starts[i] = starts[i - 1];
    starts[0] = 0;
}

/* The chosen rows. Few of them do not keep a large batch alive that others have little of: its
 * memory would go round through the other worker instead of being used again while it is warm. */
static Batch *take_part(Batch *batch, const uint32_t *rows, uint32_t count)
{
    Batch *part = batch_gather(batch, rows, count);
    if (count > COPY_ROWS_MAX || batch_bytes(part) < (size_t)count * HELD_BYTES_PER_ROW)
        return part;
    Batch *copy = batch_copy(part);
    batch_release(part);
    return copy;
}

bool exchange_batch(Exchange *exchange, Batch *batch, Error *error)
{
    assert(batch->row_count > 0 && batch->row_count <= BATCH_ROWS_MAX);
    if (exchange->keys == NULL)
        return send_batch(exchange, 0, batch, error);
    uint32_t count = find_owners(exchange, batch);
    const uint32_t *starts = exchange->starts;
    uint32_t first = exchange->owners[0];
    if (count == batch->row_count)
        group_rows(exchange, count);
    if (count < batch->row_count || starts[first + 1] - starts[first] == count)
        return send_batch(exchange, first, batch, error);
    bool sent = true;
    for (uint32_t i = 0; i < exchange->target_count && sent; i++) {
        uint32_t rows = starts[i + 1] - starts[i];
        if (rows == 0)
            continue;
        Batch *part = take_part(batch, exchange->rows + starts[i], rows);
        sent = send_batch(exchange, i, part, error);
    }
    batch_release(batch);
    return sent;
}
