/* Time zones from the system's TZif files (RFC 8536) and fixed offsets.
 *
 * Invariant: offsets[i] holds from times[i] (seconds of UTC) on, `first_offset` before times[0];
 * local_ends[i] is the local second from which offsets[i] answers for a clock time, which makes a
 * time in a gap or an overlap use the offset before the transition: java.time's rule. A file's
 * closing rule ("CET-1CEST,M3.5.0,M10.5.0/3") is expanded for 400 years; the calendar repeats after
 * that, so later times are looked up a whole number of cycles earlier.
 * Cost: a binary search for each conversion. */
#include "core/datetime.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/str.h"

#define ZONE_DIRECTORY   "/usr/share/zoneinfo/"
#define ZONE_NAME_MAX    128
#define ZONE_FILE_MAX    (256 * 1024)
#define CYCLE_YEARS      400
#define CYCLE_SECONDS    (INT64_C(146097) * 86400)
#define OFFSET_LIMIT     (18 * 3600) /* java.time's bound */
#define RULE_TRANSITIONS (2 * (CYCLE_YEARS + 1))
#define SECONDS_PER_DAY  86400

struct TimeZone {
    const char *name;
    int32_t first_offset;
    uint32_t count;
    int64_t *times;
    int64_t *local_ends;
    int32_t *offsets;
    bool repeats; /* after `repeat_from`, every 400 years */
    int64_t repeat_from;
};

/* "M3.5.0/2": when, in a year, an offset changes. */
typedef struct RuleDate {
    char form; /* 'M', 'J' or '0' (day of year from zero) */
    int32_t month, week, day;
    int32_t second; /* of the local day; may lie outside of it */
} RuleDate;

typedef struct ZoneRule {
    int32_t standard, summer;
    bool has_summer;
    RuleDate start, end;
} ZoneRule;

typedef struct RuleScanner {
    const char *next;
    const char *end;
    bool failed;
} RuleScanner;

static char rule_peek(const RuleScanner *scanner)
{
    return scanner->next == scanner->end ? '\0' : *scanner->next;
}

static bool rule_take(RuleScanner *scanner, char c)
{
    if (rule_peek(scanner) != c)
        return false;
    scanner->next++;
    return true;
}

static int32_t rule_number(RuleScanner *scanner, int32_t most)
{
    int32_t value = 0;
    const char *start = scanner->next;
    while (rule_peek(scanner) >= '0' && rule_peek(scanner) <= '9' && value <= most)
        value = value * 10 + (*scanner->next++ - '0');
    if (scanner->next == start || value > most)
        scanner->failed = true;
    return value;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static int32_t rule_time(RuleScanner *scanner)
{
    bool negative = rule_take(scanner, '-');
    if (!negative)
        rule_take(scanner, '+');
    int32_t seconds = rule_number(scanner, 167) * 3600;
    if (rule_take(scanner, ':'))
        seconds += rule_number(scanner, 59) * 60;
    if (rule_take(scanner, ':'))
        seconds += rule_number(scanner, 59);
    return negative ? -seconds : seconds;
}

static void rule_skip_name(RuleScanner *scanner)
{
    const char *start = scanner->next;
    if (rule_take(scanner, '<')) {
        while (rule_peek(scanner) != '\0' && rule_peek(scanner) != '>')
            scanner->next++;
        scanner->failed |= !rule_take(scanner, '>');
        return;
    }
    while ((rule_peek(scanner) | 0x20) >= 'a' && (rule_peek(scanner) | 0x20) <= 'z')
        scanner->next++;
    scanner->failed |= scanner->next == start;
}

static RuleDate rule_date(RuleScanner *scanner)
{
    RuleDate date = {.form = '0', .second = 2 * 3600};
    scanner->failed |= !rule_take(scanner, ',');
    if (rule_take(scanner, 'M')) {
        date.form = 'M';
        date.month = rule_number(scanner, 12);
        scanner->failed |= date.month == 0 || !rule_take(scanner, '.');
        date.week = rule_number(scanner, 5);
        scanner->failed |= date.week == 0 || !rule_take(scanner, '.');
        date.day = rule_number(scanner, 6);
    } else {
        date.form = rule_take(scanner, 'J') ? 'J' : '0';
        date.day = rule_number(scanner, 365);
    }
    if (rule_take(scanner, '/'))
        date.second = rule_time(scanner);
    return date;
}

static bool rule_parse(Str text, ZoneRule *rule)
{
    RuleScanner scanner = {text.data, text.data + text.length, false};
    *rule = (ZoneRule){0};
    rule_skip_name(&scanner);
    rule->standard = -rule_time(&scanner);
    if (rule_peek(&scanner) != '\0') {
        rule->has_summer = true;
        rule_skip_name(&scanner);
        rule->summer = rule->standard + 3600;
        if (rule_peek(&scanner) != ',' && rule_peek(&scanner) != '\0')
            rule->summer = -rule_time(&scanner);
        rule->start = rule_date(&scanner);
        rule->end = rule_date(&scanner);
    }
    return !scanner.failed && scanner.next == scanner.end;
}

/* Local second, counted from 1970, of the rule's date in a year. */
static int64_t rule_local_second(const RuleDate *date, int32_t year)
{
    int32_t days;
    if (date->form == 'M') {
        days = date_from_civil((CivilDate){year, date->month, 1});
        days += (date->day + 1 - date_day_of_week(days) + 7) % 7 + (date->week - 1) * 7;
        int32_t length = civil_days_in_month(year, date->month);
        int32_t past = date_from_civil((CivilDate){year, date->month, length});
        if (days > past)
            days -= 7;
    } else {
        days = date_from_civil((CivilDate){year, 1, 1}) + date->day;
        bool leap = civil_days_in_month(year, 2) == 29;
        if (date->form == 'J') /* counts from 1 and has no February 29 */
            days -= leap && date->day >= 60 ? 0 : 1;
    }
    return (int64_t)days * SECONDS_PER_DAY + date->second;
}

static void zone_add(TimeZone *zone, int64_t time, int32_t offset)
{
    int32_t before = zone->count == 0 ? zone->first_offset : zone->offsets[zone->count - 1];
    if (offset == before)
        return;
    zone->times[zone->count] = time;
    zone->offsets[zone->count] = offset;
    zone->local_ends[zone->count] = time + (offset > before ? offset : before);
    zone->count++;
}

/* Transitions of the closing rule after the last one in the file. */
static void zone_expand_rule(TimeZone *zone, const ZoneRule *rule)
{
    int64_t last = zone->count == 0 ? INT64_MIN : zone->times[zone->count - 1];
    if (!rule->has_summer) {
        if (zone->count == 0)
            zone->first_offset = rule->standard;
        return;
    }
    int64_t last_day = last == INT64_MIN ? 0 : last / SECONDS_PER_DAY;
    int32_t year = date_to_civil((int32_t)last_day).year;
    for (int32_t end = year + CYCLE_YEARS; year <= end; year++) {
        int64_t start_time = rule_local_second(&rule->start, year) - rule->standard;
        int64_t end_time = rule_local_second(&rule->end, year) - rule->summer;
        bool start_first = start_time < end_time;
        int64_t first = start_first ? start_time : end_time;
        int64_t second = start_first ? end_time : start_time;
        if (first > last)
            zone_add(zone, first, start_first ? rule->summer : rule->standard);
        if (second > last)
            zone_add(zone, second, start_first ? rule->standard : rule->summer);
    }
    if (zone->count != 0) {
        zone->repeats = true;
        zone->repeat_from = zone->times[zone->count - 1];
    }
}

static int64_t big_endian(const uint8_t *bytes, size_t count)
{
    uint64_t value = bytes[0] >= 0x80 ? ~UINT64_C(0) : 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

#define TZIF_HEADER_BYTES 44

typedef struct TzifHeader {
    uint32_t utc_flags, standard_flags, leaps, times, types, chars;
} TzifHeader;

static bool tzif_header(Str file, size_t at, TzifHeader *header)
{
    if (file.length < at + TZIF_HEADER_BYTES || memcmp(file.data + at, "TZif", 4) != 0)
        return false;
    const uint8_t *counts = (const uint8_t *)file.data + at + 20;
    uint32_t values[6];
    for (size_t i = 0; i < array_count(values); i++) {
        values[i] = (uint32_t)big_endian(counts + 4 * i, 4);
        if (values[i] > ZONE_FILE_MAX)
            return false;
    }
    *header = (TzifHeader){values[0], values[1], values[2], values[3], values[4], values[5]};
    return true;
}

static size_t tzif_body_bytes(const TzifHeader *header, size_t time_bytes)
{
    return header->times * time_bytes + header->times + header->types * 6 + header->chars +
           header->leaps * (time_bytes + 4) + header->standard_flags + header->utc_flags;
}

/* Fills the zone from a version 2 file: skips the 32-bit half, reads the 64-bit one and the rule.
 */
static bool zone_read(TimeZone *zone, Str file, Arena *arena)
{
    TzifHeader header;
    if (!tzif_header(file, 0, &header) || file.data[4] < '2')
        return false;
    size_t at = TZIF_HEADER_BYTES + tzif_body_bytes(&header, 4);
    if (!tzif_header(file, at, &header) || header.types == 0)
        return false;
    at += TZIF_HEADER_BYTES;
    size_t footer = at + tzif_body_bytes(&header, 8);
    if (footer > file.length)
        return false;
    const uint8_t *times = (const uint8_t *)file.data + at;
    const uint8_t *indexes = times + (size_t)header.times * 8;
    const uint8_t *types = indexes + header.times;
    size_t capacity = header.times + RULE_TRANSITIONS;
    zone->times = arena_new_array(arena, int64_t, capacity);
    zone->local_ends = arena_new_array(arena, int64_t, capacity);
    zone->offsets = arena_new_array(arena, int32_t, capacity);
    zone->first_offset = (int32_t)big_endian(types, 4);
    for (uint32_t i = 0; i < header.times; i++) {
        if (indexes[i] >= header.types)
            return false;
        zone_add(zone, big_endian(times + (size_t)i * 8, 8),
                 (int32_t)big_endian(types + (size_t)indexes[i] * 6, 4));
    }
    Str rest = {file.data + footer, file.length - footer};
    ZoneRule rule;
    if (rest.length >= 3 && rest.data[0] == '\n' && rest.data[rest.length - 1] == '\n') {
        if (!rule_parse((Str){rest.data + 1, rest.length - 2}, &rule))
            return false;
        zone_expand_rule(zone, &rule);
    }
    return true;
}

static bool zone_name_is_path_safe(const char *name)
{
    if (*name == '/' || *name == '.' || *name == '\0' || strstr(name, "..") != NULL)
        return false;
    for (const char *at = name; *at != '\0'; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
              (*at >= '0' && *at <= '9') || strchr("_-+/.", *at) != NULL))
            return false;
    return strlen(name) < ZONE_NAME_MAX;
}

static bool zone_load(TimeZone *zone, const char *path, Arena *arena)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    Buffer bytes = {0};
    ssize_t got;
    do {
        got = read(file, buffer_reserve(&bytes, 4096), 4096);
        bytes.length += got > 0 ? (size_t)got : 0;
    } while (got > 0 && bytes.length < ZONE_FILE_MAX);
    close(file);
    bool good = got == 0 && zone_read(zone, (Str){bytes.data, bytes.length}, arena);
    buffer_deinit(&bytes);
    return good;
}

/* "+2", "-05", "+0530", "+01:30", "+01:30:15"; nothing before. */
static bool offset_parse(const char *text, int32_t *seconds)
{
    if (*text != '+' && *text != '-')
        return false;
    bool negative = *text++ == '-';
    int32_t parts[3] = {0};
    size_t digits = strspn(text, "0123456789");
    if (digits == 4 && text[4] == '\0') {
        parts[0] = (text[0] - '0') * 10 + (text[1] - '0');
        parts[1] = (text[2] - '0') * 10 + (text[3] - '0');
    } else {
        for (size_t part = 0;; part++) {
            digits = strspn(text, "0123456789");
            if (part == array_count(parts) || digits == 0 || digits > 2 ||
                (part > 0 && digits != 2))
                return false;
            for (; digits > 0; digits--)
                parts[part] = parts[part] * 10 + (*text++ - '0');
            if (*text == '\0')
                break;
            if (*text++ != ':')
                return false;
        }
    }
    *seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    if (parts[1] > 59 || parts[2] > 59 || *seconds > OFFSET_LIMIT)
        return false;
    if (negative)
        *seconds = -*seconds;
    return true;
}

static bool fixed_parse(const char *name, int32_t *seconds)
{
    *seconds = 0;
    if (text_equal_nocase(name, "UTC") || text_equal_nocase(name, "GMT") ||
        text_equal_nocase(name, "Z") || text_equal_nocase(name, "UT"))
        return true;
    if (str_starts_with(str_of(name), STR("UTC")) || str_starts_with(str_of(name), STR("GMT")))
        name += 3;
    else if (str_starts_with(str_of(name), STR("UT")))
        name += 2;
    return offset_parse(name, seconds);
}

const TimeZone *time_zone_open(Arena *arena, const char *name, Error *error)
{
    TimeZone *zone = arena_new_one(arena, TimeZone);
    zone->name = arena_strdup(arena, name);
    if (fixed_parse(name, &zone->first_offset))
        return zone;
    if (zone_name_is_path_safe(name)) {
        char path[sizeof(ZONE_DIRECTORY) + ZONE_NAME_MAX];
        snprintf(path, sizeof(path), ZONE_DIRECTORY "%s", name);
        if (zone_load(zone, path, arena))
            return zone;
    }
    error_set(error, ERROR_NAME, "time zone \"%.200s\" does not exist", name);
    error_hint(error, access(ZONE_DIRECTORY, R_OK) == 0
                          ? "Use a name such as \"Europe/Berlin\", \"UTC\" or an offset such as "
                            "\"+02:00\"."
                          : "Install the package tzdata, or use \"UTC\" or an offset such as "
                            "\"+02:00\".");
    return NULL;
}

const TimeZone *time_zone_utc(void)
{
    static const TimeZone utc = {.name = "UTC"};
    return &utc;
}

const TimeZone *time_zone_local(Arena *arena)
{
    const char *name = getenv("TZ");
    char target[PATH_MAX];
    if (name != NULL && *name == ':')
        name++;
    if (name == NULL || *name == '\0') {
        ssize_t length = readlink("/etc/localtime", target, sizeof(target) - 1);
        target[length < 0 ? 0 : length] = '\0';
        const char *found = strstr(target, "/zoneinfo/");
        name = found == NULL ? "UTC" : found + strlen("/zoneinfo/");
    }
    Error ignored;
    const TimeZone *zone = time_zone_open(arena, name, &ignored);
    return zone != NULL ? zone : time_zone_utc();
}

const char *time_zone_name(const TimeZone *zone)
{
    return zone->name;
}

/* The number of entries that are <= value. */
static uint32_t search_after(const int64_t *sorted, uint32_t count, int64_t value)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sorted[middle] <= value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t floor_seconds(int64_t micros)
{
    return micros / MICROS_PER_SECOND - (micros % MICROS_PER_SECOND < 0 ? 1 : 0);
}

static int64_t zone_offset_micros(const TimeZone *zone, const int64_t *sorted, int64_t second)
{
    if (zone->repeats && second >= zone->repeat_from)
        second -= ((second - zone->repeat_from) / CYCLE_SECONDS + 1) * CYCLE_SECONDS;
    uint32_t after = search_after(sorted, zone->count, second);
    int32_t offset = after == 0 ? zone->first_offset : zone->offsets[after - 1];
    return offset * MICROS_PER_SECOND;
}

int64_t time_zone_to_local(const TimeZone *zone, int64_t utc_micros)
{
    if (zone->count == 0)
        return utc_micros + zone->first_offset * MICROS_PER_SECOND;
    return utc_micros + zone_offset_micros(zone, zone->times, floor_seconds(utc_micros));
}

int64_t time_zone_to_utc(const TimeZone *zone, int64_t local_micros)
{
    if (zone->count == 0)
        return local_micros - zone->first_offset * MICROS_PER_SECOND;
    return local_micros - zone_offset_micros(zone, zone->local_ends, floor_seconds(local_micros));
}
