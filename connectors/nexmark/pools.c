/* The pools of the Nexmark generator: padding, words, names, channels with their urls, powers of
 * ten.
 *
 * Cost: some milliseconds and 3 MB, once per source instance, most of it for what few queries read.
 */
#include "connectors/nexmark/pools.h"

#include <string.h>

#include "core/buffer.h"

/* A stream of draws while the pools are made. */
typedef struct Stream {
    uint64_t state;
    uint32_t drawn;
} Stream;

static uint32_t stream_below(Stream *stream, uint32_t bound)
{
    uint32_t draw = (uint32_t)(nexmark_draw(stream->state, stream->drawn++) >> 32);
    return nexmark_below(&draw, bound);
}

static Stream stream_of(uint64_t seed, uint64_t purpose)
{
    return (Stream){nexmark_mix(seed ^ purpose * UINT64_C(0xD6E8FEB86659FD93)), 0};
}

/* A letter, or the separator once in 13. */
static char draw_letter(Stream *stream, char separator)
{
    return stream_below(stream, 13) == 0 ? separator : (char)('a' + stream_below(stream, 26));
}

/* Groups of six characters from one signed 32-bit number: the remainder takes the number's sign, so
 * half of the groups lie around 'a' from below. */
static char *make_extra(Arena *arena, uint64_t seed)
{
    Stream stream = stream_of(seed, 1);
    char *pool = arena_alloc(arena, NEXMARK_EXTRA_BYTES);
    for (uint32_t at = 0; at < NEXMARK_EXTRA_BYTES;) {
        int32_t number = (int32_t)(nexmark_draw(stream.state, stream.drawn++) >> 32);
        for (uint32_t i = 0; i < 6 && at < NEXMARK_EXTRA_BYTES; i++, number /= 26)
            pool[at++] = (char)('a' + number % 26);
    }
    return pool;
}

static char *make_words(Arena *arena, uint64_t seed)
{
    Stream stream = stream_of(seed, 2);
    char *pool = arena_alloc(arena, NEXMARK_WORDS_BYTES);
    for (uint32_t at = 0; at < NEXMARK_WORDS_BYTES; at++)
        pool[at] = draw_letter(&stream, ' ');
    return pool;
}

static StringView pool_view(Arena *arena, const char *text)
{
    return string_view_copy(arena, text, strlen(text));
}

static void make_names(NexmarkPools *pools, Arena *arena)
{
    static const char *const first[NEXMARK_FIRST_NAMES] = {"Peter", "Paul",   "Luke",  "John",
                                                           "Saul",  "Vicky",  "Kate",  "Julie",
                                                           "Sarah", "Deiter", "Walter"};
    static const char *const last[NEXMARK_LAST_NAMES] = {
        "Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"};
    static const char *const cities[NEXMARK_CITIES] = {
        "Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland",
        "Bend",    "Redmond",     "Seattle",       "Kent",  "Cheyenne"};
    static const char *const states[NEXMARK_STATES] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
    for (uint32_t i = 0; i < NEXMARK_FIRST_NAMES; i++)
        for (uint32_t j = 0; j < NEXMARK_LAST_NAMES; j++)
            pools->names[i * NEXMARK_LAST_NAMES + j] =
                pool_view(arena, arena_printf(arena, "%s %s", first[i], last[j]));
    for (uint32_t i = 0; i < NEXMARK_CITIES; i++)
        pools->cities[i] = pool_view(arena, cities[i]);
    for (uint32_t i = 0; i < NEXMARK_STATES; i++)
        pools->states[i] = pool_view(arena, states[i]);
}

/* Three or four letters of a path and its slash. */
static void append_directory(Stream *stream, Buffer *out)
{
    uint32_t length = 3 + stream_below(stream, 2);
    for (uint32_t i = 0; i < length; i++)
        buffer_append_char(out, draw_letter(stream, '_'));
    buffer_append_char(out, '/');
}

static uint32_t reverse_bits(uint32_t bits)
{
    uint32_t reversed = 0;
    for (uint32_t i = 0; i < 32; i++)
        reversed |= (bits >> i & 1) << (31 - i);
    return reversed;
}

/* The channel's number with its bits reversed, read as signed and made positive: that of channel 1
 * has no positive counterpart and stays as it is. */
static int64_t channel_id(uint32_t channel)
{
    int32_t id = (int32_t)reverse_bits(channel);
    return id == INT32_MIN ? id : id < 0 ? -id : id;
}

static void make_channels(NexmarkPools *pools, Arena *arena, uint64_t seed)
{
    static const char *const hot[NEXMARK_HOT_CHANNELS] = {"Google", "Facebook", "Baidu", "Apple"};
    Stream stream = stream_of(seed, 3);
    Buffer text = {0};
    for (uint32_t i = 0; i < NEXMARK_CHANNELS + NEXMARK_HOT_CHANNELS; i++) {
        bool is_hot = i >= NEXMARK_CHANNELS;
        buffer_clear(&text);
        buffer_append_text(&text, is_hot ? hot[i - NEXMARK_CHANNELS] : "channel-");
        if (!is_hot)
            buffer_append_i64(&text, i);
        pools->channels[i] = string_view_copy(arena, text.data, text.length);
        buffer_clear(&text);
        buffer_append_text(&text, "https://www.nexmark.com/");
        for (uint32_t d = 0; d < 3; d++)
            append_directory(&stream, &text);
        buffer_append_text(&text, "item.htm?query=1");
        if (!is_hot && stream_below(&stream, 10) > 0) {
            buffer_append_text(&text, "&channel_id=");
            buffer_append_i64(&text, channel_id(i));
        }
        pools->urls[i] = string_view_copy(arena, text.data, text.length);
    }
    buffer_deinit(&text);
}

/* The square root, rounded down. */
static uint64_t root(uint128_t value)
{
    uint64_t result = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t next = result | UINT64_C(1) << bit;
        if ((uint128_t)next * next <= value)
            result = next;
    }
    return result;
}

/* Repeated square roots of 10^6 give 10^(6/2), 10^(6/4), …; a digit's power is the product of those
 * of its bits. */
static void make_powers(NexmarkPools *pools)
{
    uint128_t roots[33]; /* 54 fraction bits */
    roots[0] = (uint128_t)1000000 << 54;
    for (uint32_t i = 1; i <= 32; i++)
        roots[i] = root(roots[i - 1] << 54);
    for (uint32_t digit = 0; digit < 4; digit++) {
        for (uint32_t value = 0; value < 256; value++) {
            uint128_t power = (uint128_t)1 << 54;
            for (uint32_t bit = 0; bit < 8; bit++)
                if ((value >> (7 - bit) & 1) != 0)
                    power = power * (uint64_t)roots[digit * 8 + bit + 1] >> 54;
            pools->powers[digit][value] =
                digit == 0 ? (uint64_t)(power >> 14) : (uint64_t)(power << 8);
        }
    }
}

NexmarkPools *nexmark_pools_new(Arena *arena, uint64_t seed)
{
    NexmarkPools *pools = arena_new_one(arena, NexmarkPools);
    pools->arena = arena;
    pools->seed = seed;
    pools->words = make_words(arena, seed);
    make_names(pools, arena);
    make_powers(pools);
    return pools;
}

void nexmark_pools_need_extra(NexmarkPools *pools)
{
    if (pools->extra == NULL)
        pools->extra = make_extra(pools->arena, pools->seed);
}

void nexmark_pools_need_channels(NexmarkPools *pools)
{
    if (!pools->has_channels)
        make_channels(pools, pools->arena, pools->seed);
    pools->has_channels = true;
}
