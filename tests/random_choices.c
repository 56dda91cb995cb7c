/* Shrinking takes what is smaller in length, then in the first choice that differs, and goes on
 * until nothing it tries does: items are left out, queries give way to queries inside them, single
 * choices go down. A candidate's own record is what is kept, since it may have used fewer choices
 * than it was given. */
#include "tests/random_choices.h"

#include <string.h>

#include "core/arena.h"

void random_open(Random *random, uint64_t seed)
{
    *random = (Random){.state = seed};
}

void random_replay(Random *random, const uint32_t *choices, uint32_t count)
{
    *random = (Random){.replayed = choices, .replayed_count = count, .replays = true};
}

void random_close(Random *random)
{
    memory_free(random->taken);
    memory_free(random->spans);
}

static uint32_t next_choice(Random *random)
{
    if (random->replays)
        return random->at < random->replayed_count ? random->replayed[random->at++] : 0;
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

uint32_t random_below(Random *random, uint32_t bound)
{
    uint32_t choice = next_choice(random) % bound;
    if (random->taken_count == random->taken_capacity) {
        random->taken_capacity = random->taken_capacity * 2 + 1024;
        random->taken =
            memory_realloc(random->taken, random->taken_capacity * sizeof(*random->taken));
    }
    random->taken[random->taken_count++] = choice;
    return choice;
}

uint32_t random_enter(Random *random, SpanKind kind)
{
    if (random->span_count == random->span_capacity) {
        random->span_capacity = random->span_capacity * 2 + 64;
        random->spans =
            memory_realloc(random->spans, random->span_capacity * sizeof(*random->spans));
    }
    random->spans[random->span_count] = (Span){kind, random->taken_count, random->taken_count};
    return random->span_count++;
}

void random_leave(Random *random, uint32_t span)
{
    random->spans[span].end = random->taken_count;
}

RandomMark random_mark(const Random *random)
{
    return (RandomMark){random->taken_count, random->span_count};
}

void random_forget(Random *random, RandomMark mark)
{
    random->taken_count = mark.taken;
    random->span_count = mark.spans;
}

/* ---------------------------------------------------------------- shrinking */

typedef struct Shrink {
    Random *least;
    bool (*fails)(Random *candidate);
    uint32_t tries;    /* left */
    uint32_t *choices; /* the candidate */
    uint32_t count;
} Shrink;

static bool is_less(const Random *a, const Random *b)
{
    if (a->taken_count != b->taken_count)
        return a->taken_count < b->taken_count;
    for (uint32_t i = 0; i < a->taken_count; i++)
        if (a->taken[i] != b->taken[i])
            return a->taken[i] < b->taken[i];
    return false;
}

/* Runs the candidate; true when it fails and is less than the least so far, which it becomes. */
static bool try_candidate(Shrink *shrink)
{
    if (shrink->tries == 0)
        return false;
    shrink->tries--;
    Random candidate;
    random_replay(&candidate, shrink->choices, shrink->count);
    if (!shrink->fails(&candidate) || !is_less(&candidate, shrink->least)) {
        random_close(&candidate);
        return false;
    }
    random_close(shrink->least);
    *shrink->least = candidate;
    return true;
}

/* The least with `count` other choices in place of [start, end). */
static bool try_instead(Shrink *shrink, uint32_t start, uint32_t end, const uint32_t *choices,
                        uint32_t count)
{
    const Random *least = shrink->least;
    shrink->count = least->taken_count - (end - start) + count;
    shrink->choices = memory_realloc(shrink->choices, (shrink->count + 1) * sizeof(uint32_t));
    memcpy(shrink->choices, least->taken, start * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++)
        shrink->choices[start + i] = choices[i];
    memcpy(shrink->choices + start + count, least->taken + end,
           (least->taken_count - end) * sizeof(uint32_t));
    return try_candidate(shrink);
}

/* Leaves out items: `length` that follow each other, or one. Later ones first, since what comes
 * after them means the same without them. */
static bool leave_out(Shrink *shrink, uint32_t length)
{
    bool any = false;
    for (uint32_t i = shrink->least->span_count; i-- > 0;) {
        const Random *least = shrink->least;
        if (i >= least->span_count || least->spans[i].kind != SPAN_ITEM)
            continue;
        uint32_t end = least->spans[i].end, found = 1;
        for (uint32_t j = i + 1; j < least->span_count && found < length; j++) {
            if (least->spans[j].kind != SPAN_ITEM || least->spans[j].start != end)
                continue;
            end = least->spans[j].end;
            found++;
        }
        if (found == length)
            any |= try_instead(shrink, least->spans[i].start, end, NULL, 0);
    }
    return any;
}

/* The plainest query, or one of those inside, in place of a query. */
static bool hoist(Shrink *shrink)
{
    static const uint32_t plainest = 0;
    bool any = false;
    for (uint32_t i = 0; i < shrink->least->span_count; i++) {
        Span span = shrink->least->spans[i];
        if (span.kind != SPAN_QUERY || span.end - span.start <= 1)
            continue;
        if (try_instead(shrink, span.start, span.end, &plainest, 1)) {
            any = true;
            continue;
        }
        for (uint32_t j = i + 1; j < shrink->least->span_count; j++) {
            const Random *least = shrink->least;
            Span inner = least->spans[j];
            if (inner.start >= span.end)
                break;
            if (inner.kind == SPAN_QUERY &&
                try_instead(shrink, span.start, span.end, least->taken + inner.start,
                            inner.end - inner.start)) {
                any = true;
                i--;
                break;
            }
        }
    }
    return any;
}

static bool lower(Shrink *shrink)
{
    bool any = false;
    for (uint32_t i = 0; i < shrink->least->taken_count; i++) {
        uint32_t choice = shrink->least->taken[i];
        const uint32_t lower[] = {0, choice / 2, choice - 1};
        bool done = choice == 0;
        for (uint32_t k = 0; k < 3 && !done; k++)
            done =
                (k == 0 || lower[k] != lower[k - 1]) && try_instead(shrink, i, i + 1, &lower[k], 1);
        any |= done && choice != 0;
    }
    return any;
}

void random_shrink(Random *random, bool (*fails)(Random *candidate), uint32_t tries)
{
    Shrink shrink = {.least = random, .fails = fails, .tries = tries};
    bool any = true;
    while (any && shrink.tries != 0) {
        any = false;
        for (uint32_t length = 32; length > 0; length /= 2)
            any |= leave_out(&shrink, length);
        any |= hoist(&shrink);
        any |= lower(&shrink);
    }
    memory_free(shrink.choices);
}
