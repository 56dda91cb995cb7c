/* Exchanges and channels: where rows go, in which order, and what back-pressure does. */
#include "tests/job_fixture.h"

#include "core/hash.h"
#include "core/row.h"
#include "executor/runtime/exchange.h"
#include "tests/suite.h"

#define TARGETS         3
#define MAX_PARALLELISM 128

static const uint32_t key_column[] = {0};

static Batch *random_batch(uint32_t rows, uint32_t keys)
{
    Batch *batch = batch_new(&fixture_schema, rows);
    uint8_t *kinds = random() % 2 == 0 ? NULL : batch_kinds(batch, rows);
    for (uint32_t i = 0; i < rows; i++) {
        counter_add(batch, random() % keys);
        if (keys > 1 && random() % 10 == 0)
            vector_set_null(&batch->columns[0], i, batch->arena);
        if (kinds != NULL)
            kinds[i] = (uint8_t)(random() % 4);
    }
    return batch;
}

/* The owner of a row, computed one by one. */
static uint32_t owner_of(const Batch *batch, uint32_t row, uint32_t targets, Arena *arena)
{
    const Type *types[] = {&type_bigint};
    const RowLayout *layout = row_layout_new(arena, types, 1);
    const Vector *columns[] = {&batch->columns[0]};
    Buffer bytes = {0};
    row_encode_one(layout, columns, row, &bytes);
    uint32_t group = hash_key_group(hash_bytes(bytes.data, bytes.length), MAX_PARALLELISM);
    buffer_deinit(&bytes);
    return key_group_owner(group, MAX_PARALLELISM, targets);
}

/* The hashes that came with a part are those of its rows; a batch that moved whole has none. */
static void check_hashes(const Batch *part, bool moved_whole, Arena *arena)
{
    if (moved_whole && part->hashes == NULL)
        return;
    ck_assert_ptr_eq(part->hashed, key_column);
    const Type *types[] = {&type_bigint};
    const Vector *columns[] = {&part->columns[0]};
    Str *rows = arena_new_array(arena, Str, part->row_count);
    row_encode(row_layout_new(arena, types, 1), columns, NULL, part->row_count, arena, rows);
    for (uint32_t i = 0; i < part->row_count; i++)
        ck_assert_uint_eq(part->hashes[i], hash_bytes(rows[i].data, rows[i].length));
}

START_TEST(test_split_equals_one_by_one)
{
    unsigned seed = (unsigned)clock_monotonic_us();
    srandom(seed);
    fixture_reset();
    for (uint32_t round = 0; round < 50; round++) {
        Arena *arena = arena_new(4096);
        uint32_t count = round % 2 == 0 ? TARGETS : 2;
        ExchangeTarget targets[TARGETS];
        for (uint32_t i = 0; i < count; i++)
            targets[i] = (ExchangeTarget){inbox_new(1, 1 << 30, NULL), 0};
        Exchange *exchange = exchange_new(arena, &fixture_schema, key_column, 1, MAX_PARALLELISM,
                                          targets, count, NULL);
        Batch *batch = random_batch(1 + (uint32_t)random() % 500, round % 5 == 0 ? 1 : 1000);
        Buffer expected[TARGETS] = {{0}};
        uint32_t row_count = batch->row_count;
        for (uint32_t i = 0; i < batch->row_count; i++) {
            Buffer *to = &expected[owner_of(batch, i, count, arena)];
            changelog_print_row(batch, i, NULL, to);
            buffer_append_char(to, '\n');
        }
        Error error;
        ck_assert(exchange_batch(exchange, batch, &error));
        ck_assert(exchange_send(exchange, (Message){.kind = MESSAGE_END}, &error));
        for (uint32_t i = 0; i < count; i++) {
            Message message;
            Command command;
            Buffer got = {0};
            while (inbox_take(targets[i].inbox, 0, &message, &command) == INBOX_MESSAGE &&
                   message.kind == MESSAGE_BATCH) {
                changelog_print(message.batch, NULL, &got);
                check_hashes(message.batch, message.batch->row_count == row_count, arena);
                batch_release(message.batch);
            }
            ck_assert_int_eq(message.kind, MESSAGE_END);
            ck_assert_msg(strcmp(buffer_text(&got), buffer_text(&expected[i])) == 0, "seed %u",
                          seed);
            buffer_deinit(&got);
            buffer_deinit(&expected[i]);
            inbox_free(targets[i].inbox);
        }
        arena_free(arena);
    }
}
END_TEST

START_TEST(test_batches_move_as_they_are)
{
    fixture_reset();
    Arena *arena = arena_new(4096);
    ExchangeTarget target = {inbox_new(1, 1 << 20, NULL), 0};
    Exchange *exchange =
        exchange_new(arena, &fixture_schema, NULL, 0, MAX_PARALLELISM, &target, 1, NULL);
    Batch *batch = random_batch(10, 1000);
    Error error;
    ck_assert(exchange_batch(exchange, batch_retain(batch), &error));
    Message message;
    Command command;
    ck_assert_int_eq(inbox_take(target.inbox, 0, &message, &command), INBOX_MESSAGE);
    ck_assert_ptr_eq(message.batch, batch);
    batch_release(batch);
    ck_assert_uint_eq(message.batch->row_count, 10);
    batch_release(message.batch);
    inbox_free(target.inbox);
    arena_free(arena);
}
END_TEST

/* ----------------------------------------------------------------- channels */

typedef struct Producer {
    Inbox *inbox;
    uint32_t channel;
    uint32_t batches;
    int64_t waited_us;
    bool refused;
} Producer;

static void *produce(void *argument)
{
    Producer *producer = argument;
    for (uint32_t i = 0; i < producer->batches && !producer->refused; i++) {
        Batch *batch = batch_new(&fixture_schema, 64);
        counter_add(batch, i);
        Message message = {.kind = MESSAGE_BATCH, .channel = producer->channel, .batch = batch};
        producer->refused = !inbox_push(producer->inbox, message, &producer->waited_us);
    }
    return NULL;
}

START_TEST(test_full_channel_blocks_its_producer)
{
    fixture_reset();
    Inbox *inbox = inbox_new(2, 20000, NULL);
    Producer producers[2] = {{.inbox = inbox, .channel = 0, .batches = 300},
                             {.inbox = inbox, .channel = 1, .batches = 300}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, produce, &producers[i]);
    int64_t next[2] = {0, 0};
    for (uint32_t taken = 0; taken < 600; taken++) {
        Message message;
        Command command;
        if (taken == 50)
            clock_sleep_us(20000);
        ck_assert_int_eq(inbox_take(inbox, 5000, &message, &command), INBOX_MESSAGE);
        ck_assert_int_eq(((int64_t *)message.batch->columns[1].data)[0], next[message.channel]++);
        batch_release(message.batch);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!producers[i].refused);
        ck_assert_int_gt(producers[i].waited_us, 0);
    }
    inbox_free(inbox);
}
END_TEST

START_TEST(test_close_frees_a_blocked_producer)
{
    fixture_reset();
    Inbox *inbox = inbox_new(1, 1000, NULL);
    Producer producer = {.inbox = inbox, .batches = 100};
    pthread_t thread;
    pthread_create(&thread, NULL, produce, &producer);
    clock_sleep_us(20000);
    inbox_close(inbox);
    pthread_join(thread, NULL);
    ck_assert(producer.refused);
    Message message;
    Command command;
    ck_assert_int_eq(inbox_take(inbox, -1, &message, &command), INBOX_CLOSED);
    inbox_free(inbox);
}
END_TEST

static void push_watermark(Inbox *inbox, uint32_t channel, int64_t value)
{
    Message message = {.kind = MESSAGE_WATERMARK, .channel = channel, .watermark_us = value};
    ck_assert(inbox_push(inbox, message, NULL));
}

START_TEST(test_held_channel_waits_in_order)
{
    fixture_reset();
    Inbox *inbox = inbox_new(2, 1000, NULL);
    Message message;
    Command command;
    inbox_hold(inbox, 0);
    for (int64_t i = 0; i < 40; i++)
        push_watermark(inbox, (uint32_t)(i % 2), i);
    for (int64_t i = 1; i < 20; i += 2) {
        ck_assert_int_eq(inbox_take(inbox, 0, &message, &command), INBOX_MESSAGE);
        ck_assert_int_eq(message.watermark_us, i);
    }
    inbox_command(inbox, (Command){COMMAND_COMMIT, 7});
    ck_assert_int_eq(inbox_take(inbox, 0, &message, &command), INBOX_COMMAND);
    ck_assert_uint_eq(command.epoch, 7);
    inbox_release_held(inbox);
    int64_t last[2] = {-2, 19};
    for (uint32_t i = 0; i < 30; i++) {
        ck_assert_int_eq(inbox_take(inbox, 0, &message, &command), INBOX_MESSAGE);
        ck_assert_int_eq(message.watermark_us, last[message.channel] + 2);
        last[message.channel] = message.watermark_us;
    }
    ck_assert_int_eq(inbox_take(inbox, 0, &message, &command), INBOX_TIMEOUT);
    inbox_free(inbox);
}
END_TEST

/* Two inboxes of one thread, and a producer that does other things while one is full. */
START_TEST(test_bells)
{
    fixture_reset();
    Doorbell consumer, producer;
    doorbell_init(&consumer);
    doorbell_init(&producer);
    Inbox *inboxes[] = {inbox_new(1, 1, &consumer), inbox_new(1, 1, &consumer)};
    Message messages[2] = {{.kind = MESSAGE_BATCH}, {.kind = MESSAGE_BATCH}};
    for (uint32_t i = 0; i < 2; i++)
        counter_add(messages[i].batch = batch_new(&fixture_schema, 1), i);
    ck_assert(!doorbell_wait(&consumer, 0));
    ck_assert_int_eq(inbox_offer(inboxes[1], &messages[0], &producer), INBOX_SENT);
    ck_assert_int_eq(inbox_offer(inboxes[1], &messages[1], &producer), INBOX_FULL);
    ck_assert_int_eq(inbox_offer(inboxes[1], &messages[1], &producer), INBOX_FULL);
    ck_assert(doorbell_wait(&consumer, -1));
    ck_assert(!doorbell_wait(&consumer, 1));
    ck_assert(!doorbell_wait(&producer, 0));
    Message message;
    Command command;
    ck_assert_int_eq(inbox_take(inboxes[0], 0, &message, &command), INBOX_TIMEOUT);
    ck_assert_int_eq(inbox_take(inboxes[1], 0, &message, &command), INBOX_MESSAGE);
    batch_release(message.batch);
    ck_assert(doorbell_wait(&producer, -1));
    ck_assert(!doorbell_wait(&producer, 0));
    ck_assert_int_eq(inbox_offer(inboxes[1], &messages[1], &producer), INBOX_SENT);
    inbox_close(inboxes[0]);
    messages[0] = (Message){.kind = MESSAGE_WATERMARK};
    ck_assert_int_eq(inbox_offer(inboxes[0], &messages[0], &producer), INBOX_REFUSED);
    for (uint32_t i = 0; i < 2; i++)
        inbox_free(inboxes[i]);
    doorbell_deinit(&consumer);
    doorbell_deinit(&producer);
}
END_TEST

/* Who found a channel full is woken when half of it is free, by takes from that channel only. */
START_TEST(test_room_is_half_a_channel)
{
    fixture_reset();
    Batch *batches[7];
    for (uint32_t i = 0; i < 7; i++)
        counter_add(batches[i] = batch_new(&fixture_schema, 1), i);
    Doorbell producer;
    doorbell_init(&producer);
    Inbox *inbox = inbox_new(2, batch_bytes(batches[0]) * 4, NULL);
    for (uint32_t i = 0; i < 6; i++) {
        Message message = {.kind = MESSAGE_BATCH, .channel = i < 2, .batch = batches[i]};
        ck_assert_int_eq(inbox_offer(inbox, &message, &producer), INBOX_SENT);
    }
    Message last = {.kind = MESSAGE_BATCH, .channel = 0, .batch = batches[6]};
    ck_assert_int_eq(inbox_offer(inbox, &last, &producer), INBOX_FULL);
    for (uint32_t i = 0; i < 4; i++) {
        Message message;
        Command command;
        ck_assert(!doorbell_wait(&producer, 0));
        ck_assert_int_eq(inbox_take(inbox, 0, &message, &command), INBOX_MESSAGE);
        ck_assert_uint_eq(message.channel, i < 2);
        batch_release(message.batch);
    }
    ck_assert(doorbell_wait(&producer, 0));
    ck_assert_int_eq(inbox_offer(inbox, &last, &producer), INBOX_SENT);
    inbox_free(inbox);
    doorbell_deinit(&producer);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("exchange");
    tcase_add_test(cases, test_bells);
    tcase_add_test(cases, test_room_is_half_a_channel);
    tcase_add_test(cases, test_split_equals_one_by_one);
    tcase_add_test(cases, test_batches_move_as_they_are);
    tcase_add_test(cases, test_full_channel_blocks_its_producer);
    tcase_add_test(cases, test_close_frees_a_blocked_producer);
    tcase_add_test(cases, test_held_channel_waits_in_order);
    return test_run("exchange", cases);
}
