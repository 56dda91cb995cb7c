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
    uint32_t group_mask;          /* of a hash, where the key groups are a power of two; else 0 */
    const uint32_t *group_owners; /* by key group */
    const ExchangeTarget *targets;
    uint32_t target_count;
    ExchangeSender sender; /* its wait NULL: none */
    /* Scratch of one batch. */
    Arena *scratch;
    const Vector **key_columns;
    uint64_t *hashes;
    uint32_t *owners; /* of two: the rows of the second */
    uint32_t *rows;   /* row numbers, grouped by owner */
    uint32_t *ends;   /* of each owner's in `rows` */
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
    exchange->group_mask = (max_parallelism & (max_parallelism - 1)) == 0 ? max_parallelism - 1 : 0;
    exchange->targets = targets;
    exchange->target_count = target_count;
    if (sender != NULL)
        exchange->sender = *sender;
    if (keys == NULL) {
        assert(target_count == 1);
        return exchange;
    }
    exchange->layout = row_layout_of_columns(arena, schema, keys, key_count);
    uint32_t *owners = arena_new_array(arena, uint32_t, max_parallelism);
    for (uint32_t group = 0; group < max_parallelism; group++)
        owners[group] = key_group_owner(group, max_parallelism, target_count);
    exchange->group_owners = owners;
    exchange->scratch = arena_new(65536);
    arena_on_close(arena, close_scratch, exchange->scratch);
    exchange->key_columns = arena_new_array(arena, const Vector *, key_count + 1);
    exchange->hashes = arena_new_array(arena, uint64_t, BATCH_ROWS_MAX);
    exchange->owners = arena_new_array(arena, uint32_t, BATCH_ROWS_MAX);
    exchange->rows = arena_new_array(arena, uint32_t, BATCH_ROWS_MAX);
    exchange->ends = arena_new_array(arena, uint32_t, target_count);
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

/* Hashes the keys; returns how many: one when all rows have the same. A column that has one value
 * is said to, so that it goes along as that. */
static uint32_t hash_keys(Exchange *exchange, Batch *batch)
{
    bool uniform = true, own = !batch_is_shared(batch);
    for (uint32_t i = 0; i < exchange->key_count; i++) {
        Vector *column = &batch->columns[exchange->keys[i]];
        exchange->key_columns[i] = column;
        if (!vector_is_uniform(column, batch->row_count))
            uniform = false;
        else if (own)
            column->constant = true;
    }
    uint32_t count = uniform ? 1 : batch->row_count;
    arena_reset(exchange->scratch);
    row_hash(exchange->layout, exchange->key_columns, count, exchange->scratch, exchange->hashes);
    return count;
}

/* Who owns keys: an exchange's fixed part, beside loops that write. */
typedef struct Owners {
    const uint32_t *of_group;
    uint32_t mask;
    uint32_t groups;
} Owners;

static Owners owners_of(const Exchange *exchange)
{
    return (Owners){exchange->group_owners, exchange->group_mask, exchange->max_parallelism};
}

static uint32_t owner_of(Owners owners, uint64_t hash)
{
    return owners.of_group[owners.mask != 0 ? hash_key_group_masked(hash, owners.mask)
                                            : hash_key_group(hash, owners.groups)];
}

/* Fills `rows` and `ends`, for two targets: all that changes from row to row is in registers. */
static void part_rows(const Exchange *exchange, uint32_t count)
{
    Owners owners = owners_of(exchange);
    const uint64_t *hashes = exchange->hashes;
    uint32_t *first = exchange->rows, *second = exchange->owners;
    uint32_t first_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        first[first_count] = i;
        second[i - first_count] = i;
        first_count += owner_of(owners, hashes[i]) ^ 1;
    }
    memcpy(first + first_count, second, sizeof(*second) * (count - first_count));
    exchange->ends[0] = first_count;
    exchange->ends[1] = count;
}

/* The same for any number of them: a counting sort by owner, which keeps the order within each. */
static void group_rows(const Exchange *exchange, uint32_t count)
{
    Owners by = owners_of(exchange);
    const uint64_t *hashes = exchange->hashes;
    uint32_t *owners = exchange->owners, *ends = exchange->ends, *grouped = exchange->rows;
    memset(ends, 0, exchange->target_count * sizeof(*ends));
    for (uint32_t i = 0; i < count; i++)
        ends[owners[i] = owner_of(by, hashes[i])]++;
    uint32_t at = 0;
    for (uint32_t i = 0; i < exchange->target_count; i++) {
        uint32_t rows = ends[i];
        ends[i] = at;
        at += rows;
    }
    for (uint32_t i = 0; i < count; i++)
        grouped[ends[owners[i]]++] = i;
}

/* The chosen rows. Few of them do not keep a large batch alive that others have little of: its
 * memory would go round through the other worker instead of being used again while it is warm. */
static Batch *take_part(const Exchange *exchange, Batch *batch, const uint32_t *rows,
                        uint32_t count)
{
    Batch *part = batch_gather_hashed(batch, rows, count, exchange->hashes, exchange->keys);
    if (count > COPY_ROWS_MAX || batch_bytes(part) < (size_t)count * HELD_BYTES_PER_ROW)
        return part;
    Batch *copy = batch_copy(part);
    copy->hashes = arena_memdup(copy->arena, part->hashes, sizeof(uint64_t) * count);
    copy->hashed = part->hashed;
    batch_release(part);
    return copy;
}

bool exchange_batch(Exchange *exchange, Batch *batch, Error *error)
{
    assert(batch->row_count > 0 && batch->row_count <= BATCH_ROWS_MAX);
    if (exchange->keys == NULL)
        return send_batch(exchange, 0, batch, error);
    uint32_t count = hash_keys(exchange, batch);
    if (exchange->target_count == 2)
        part_rows(exchange, count);
    else
        group_rows(exchange, count);
    bool sent = true;
    for (uint32_t i = 0, from = 0; i < exchange->target_count && sent; i++) {
        uint32_t rows = exchange->ends[i] - from;
        if (rows == count)
            return send_batch(exchange, i, batch, error);
        if (rows == 0)
            continue;
        Batch *part = take_part(exchange, batch, exchange->rows + from, rows);
        sent = send_batch(exchange, i, part, error);
        from += rows;
    }
    batch_release(batch);
    return sent;
}
