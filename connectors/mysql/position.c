/* Positions in a server's binlog, and the algebra of GTID sets.
 *
 * Invariant: the intervals of a source are sorted and neither touch nor overlap; a domain and a
 * uuid with its tag occur once. Cost: adding the next number of the last interval is constant time,
 * which is what a stream does. */
#include "connectors/mysql/position.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"

void gtid_set_deinit(GtidSet *set)
{
    if (set->flavour == GTID_MYSQL) {
        for (uint32_t i = 0; i < set->count; i++)
            memory_free(set->sources[i].intervals);
    }
    memory_free(set->sources);
    memory_free(set->domains);
    memset(set, 0, sizeof(*set));
}

void gtid_set_copy(GtidSet *to, const GtidSet *from)
{
    if (to == from)
        return;
    gtid_set_deinit(to);
    to->flavour = from->flavour;
    to->count = to->capacity = from->count;
    if (from->count == 0)
        return;
    if (from->flavour == GTID_MARIADB) {
        size_t bytes = from->count * sizeof(GtidDomain);
        to->domains = memory_alloc(bytes);
        memcpy(to->domains, from->domains, bytes);
        return;
    }
    to->sources = memory_zalloc(from->count * sizeof(GtidSource));
    for (uint32_t i = 0; i < from->count; i++) {
        GtidSource *copy = &to->sources[i];
        *copy = from->sources[i];
        copy->capacity = copy->count;
        size_t bytes = copy->count * sizeof(GtidInterval);
        copy->intervals = memory_alloc(bytes == 0 ? 1 : bytes);
        memcpy(copy->intervals, from->sources[i].intervals, bytes);
    }
}

static void set_grow(GtidSet *set, size_t item_bytes, void **items)
{
    if (set->count < set->capacity)
        return;
    set->capacity = set->capacity == 0 ? 4 : set->capacity * 2;
    *items = memory_realloc(*items, set->capacity * item_bytes);
}

static GtidSource *set_source(GtidSet *set, const uint8_t *uuid, const char *tag)
{
    for (uint32_t i = 0; i < set->count; i++) {
        GtidSource *source = &set->sources[i];
        if (memcmp(source->uuid, uuid, 16) == 0 && strcmp(source->tag, tag) == 0)
            return source;
    }
    return NULL;
}

static GtidSource *set_make_source(GtidSet *set, const uint8_t *uuid, const char *tag)
{
    GtidSource *source = set_source(set, uuid, tag);
    if (source != NULL)
        return source;
    void *items = set->sources;
    set_grow(set, sizeof(GtidSource), &items);
    set->sources = items;
    source = &set->sources[set->count++];
    memset(source, 0, sizeof(*source));
    memcpy(source->uuid, uuid, 16);
    memcpy(source->tag, tag, strlen(tag) + 1);
    return source;
}

/* Adds [first, last], joining what it touches. */
static void source_add(GtidSource *source, uint64_t first, uint64_t last)
{
    uint32_t at = source->count;
    while (at > 0 && source->intervals[at - 1].last + 1 >= first)
        at--;
    uint32_t end = at;
    while (end < source->count && source->intervals[end].first <= last + 1) {
        first = u64_min(first, source->intervals[end].first);
        last = u64_max(last, source->intervals[end].last);
        end++;
    }
    if (end == at) {
        if (source->count == source->capacity) {
            source->capacity = source->capacity == 0 ? 4 : source->capacity * 2;
            source->intervals =
                memory_realloc(source->intervals, source->capacity * sizeof(GtidInterval));
        }
        memmove(source->intervals + at + 1, source->intervals + at,
                (source->count - at) * sizeof(GtidInterval));
        source->count++;
    } else if (end > at + 1) {
        memmove(source->intervals + at + 1, source->intervals + end,
                (source->count - end) * sizeof(GtidInterval));
        source->count -= end - at - 1;
    }
    source->intervals[at] = (GtidInterval){first, last};
}

void gtid_set_add_interval(GtidSet *set, const Gtid *gtid, uint64_t first, uint64_t last)
{
    if (set->flavour == GTID_MYSQL)
        source_add(set_make_source(set, gtid->uuid, gtid->tag), first, last);
}

static GtidDomain *set_domain(const GtidSet *set, uint32_t domain)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->domains[i].domain == domain)
            return &set->domains[i];
    }
    return NULL;
}

void gtid_set_add(GtidSet *set, const Gtid *gtid)
{
    if (set->flavour == GTID_NONE || set->flavour != gtid->flavour)
        return;
    if (gtid->flavour == GTID_MYSQL) {
        source_add(set_make_source(set, gtid->uuid, gtid->tag), gtid->sequence, gtid->sequence);
        return;
    }
    GtidDomain *domain = set_domain(set, gtid->domain);
    if (domain == NULL) {
        void *items = set->domains;
        set_grow(set, sizeof(GtidDomain), &items);
        set->domains = items;
        domain = &set->domains[set->count++];
        domain->domain = gtid->domain;
    }
    domain->server = gtid->server;
    domain->sequence = gtid->sequence;
}

bool gtid_set_contains(const GtidSet *set, const Gtid *gtid)
{
    if (set->flavour != gtid->flavour || set->flavour == GTID_NONE)
        return false;
    if (set->flavour == GTID_MARIADB) {
        const GtidDomain *domain = set_domain(set, gtid->domain);
        return domain != NULL && gtid->sequence <= domain->sequence;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const GtidSource *source = &set->sources[i];
        if (memcmp(source->uuid, gtid->uuid, 16) != 0 || strcmp(source->tag, gtid->tag) != 0)
            continue;
        for (uint32_t k = 0; k < source->count; k++) {
            if (gtid->sequence >= source->intervals[k].first &&
                gtid->sequence <= source->intervals[k].last)
                return true;
        }
    }
    return false;
}

static bool source_includes(const GtidSource *whole, GtidInterval part)
{
    for (uint32_t i = 0; whole != NULL && i < whole->count; i++) {
        if (part.first >= whole->intervals[i].first && part.last <= whole->intervals[i].last)
            return true;
    }
    return false;
}

bool gtid_set_includes(const GtidSet *whole, const GtidSet *part)
{
    if (part->count == 0)
        return true;
    if (whole->flavour != part->flavour)
        return false;
    for (uint32_t i = 0; i < part->count; i++) {
        if (part->flavour == GTID_MARIADB) {
            const GtidDomain *domain = set_domain(whole, part->domains[i].domain);
            if (domain == NULL || domain->sequence < part->domains[i].sequence)
                return false;
            continue;
        }
        const GtidSource *source = &part->sources[i];
        const GtidSource *in = set_source((GtidSet *)whole, source->uuid, source->tag);
        for (uint32_t k = 0; k < source->count; k++) {
            if (!source_includes(in, source->intervals[k]))
                return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ text */

static bool parse_number(Str *text, uint64_t *out)
{
    uint64_t value = 0;
    size_t at = 0;
    while (at < text->length && isdigit((unsigned char)text->data[at])) {
        uint64_t digit = (uint64_t)(text->data[at] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
        at++;
    }
    if (at == 0)
        return false;
    text->data += at;
    text->length -= at;
    *out = value;
    return true;
}

static void skip_space(Str *text)
{
    while (text->length > 0 && isspace((unsigned char)*text->data)) {
        text->data++;
        text->length--;
    }
}

static bool take_char(Str *text, char wanted)
{
    skip_space(text);
    if (text->length == 0 || *text->data != wanted)
        return false;
    text->data++;
    text->length--;
    skip_space(text);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_uuid(Str *text, uint8_t *uuid)
{
    static const uint8_t groups[] = {8, 4, 4, 4, 12};
    uint32_t digits = 0;
    for (size_t group = 0; group < array_count(groups); group++) {
        if (group > 0) {
            if (text->length == 0 || *text->data != '-')
                return false;
            text->data++;
            text->length--;
        }
        for (uint8_t i = 0; i < groups[group]; i++) {
            int digit = text->length > 0 ? hex_digit(*text->data) : -1;
            if (digit < 0)
                return false;
            uint8_t *byte = &uuid[digits / 2];
            *byte = (uint8_t)(digits % 2 == 0 ? digit << 4 : *byte | digit);
            digits++;
            text->data++;
            text->length--;
        }
    }
    return true;
}

static bool parse_tag(Str *text, char *tag)
{
    size_t length = 0;
    while (length < text->length && length <= GTID_TAG_MAX &&
           (isalnum((unsigned char)text->data[length]) || text->data[length] == '_'))
        length++;
    if (length == 0 || length > GTID_TAG_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        tag[i] = (char)tolower((unsigned char)text->data[i]);
    tag[length] = '\0';
    text->data += length;
    text->length -= length;
    return true;
}

/* uuid(:tag)?(:n(-m)?)+ with further tags in between. */
static bool parse_mysql_source(GtidSet *set, Str *text)
{
    uint8_t uuid[16] = {0};
    char tag[GTID_TAG_MAX + 1] = "";
    if (!parse_uuid(text, uuid))
        return false;
    bool any = false;
    while (take_char(text, ':')) {
        uint64_t first = 0;
        if (text->length > 0 && !isdigit((unsigned char)*text->data)) {
            if (!parse_tag(text, tag))
                return false;
            continue;
        }
        if (!parse_number(text, &first) || first == 0)
            return false;
        uint64_t last = first;
        if (take_char(text, '-') && !parse_number(text, &last))
            return false;
        if (last < first || last >= INT64_MAX)
            return false;
        source_add(set_make_source(set, uuid, tag), first, last);
        any = true;
    }
    return any;
}

static bool parse_mariadb_gtid(GtidSet *set, Str *text)
{
    uint64_t domain = 0, server = 0, sequence = 0;
    if (!parse_number(text, &domain) || !take_char(text, '-') || !parse_number(text, &server) ||
        !take_char(text, '-') || !parse_number(text, &sequence))
        return false;
    if (domain > UINT32_MAX || server > UINT32_MAX)
        return false;
    gtid_set_add(set, &(Gtid){.flavour = GTID_MARIADB,
                              .domain = (uint32_t)domain,
                              .server = (uint32_t)server,
                              .sequence = sequence});
    return true;
}

bool gtid_set_parse(GtidSet *set, GtidFlavour flavour, Str text, Error *error)
{
    Str rest = text;
    gtid_set_deinit(set);
    set->flavour = flavour;
    skip_space(&rest);
    while (rest.length > 0) {
        bool good =
            flavour == GTID_MYSQL ? parse_mysql_source(set, &rest) : parse_mariadb_gtid(set, &rest);
        skip_space(&rest);
        if (good && rest.length > 0)
            good = take_char(&rest, ',');
        if (good)
            continue;
        gtid_set_deinit(set);
        error_set(error, ERROR_OPTION, "invalid GTID set \"%.*s\"",
                  (int)(text.length > 200 ? 200 : text.length), text.data);
        return error_hint(error, "Write %s.",
                          flavour == GTID_MYSQL
                              ? "a MySQL set as 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7"
                              : "a MariaDB position as 0-1-100,1-1-7");
    }
    return true;
}

GtidFlavour gtid_text_flavour(Str text)
{
    GtidSet set = {0};
    text = str_trim(text);
    GtidFlavour flavour = GTID_NONE;
    if (text.length > 0 && gtid_set_parse(&set, GTID_MYSQL, text, NULL))
        flavour = GTID_MYSQL;
    else if (text.length > 0 && gtid_set_parse(&set, GTID_MARIADB, text, NULL))
        flavour = GTID_MARIADB;
    gtid_set_deinit(&set);
    return flavour;
}

static void uuid_print(const uint8_t *uuid, Buffer *out)
{
    for (int i = 0; i < 16; i++)
        buffer_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

void gtid_set_print(const GtidSet *set, Buffer *out)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        if (set->flavour == GTID_MARIADB) {
            const GtidDomain *domain = &set->domains[i];
            buffer_printf(out, "%" PRIu32 "-%" PRIu32 "-%" PRIu64, domain->domain, domain->server,
                          domain->sequence);
            continue;
        }
        const GtidSource *source = &set->sources[i];
        uuid_print(source->uuid, out);
        if (source->tag[0] != '\0')
            buffer_printf(out, ":%s", source->tag);
        for (uint32_t k = 0; k < source->count; k++) {
            const GtidInterval *interval = &source->intervals[k];
            buffer_printf(out, ":%" PRIu64, interval->first);
            if (interval->last != interval->first)
                buffer_printf(out, "-%" PRIu64, interval->last);
        }
    }
}

void gtid_print(const Gtid *gtid, Buffer *out)
{
    if (gtid->flavour == GTID_MARIADB) {
        buffer_printf(out, "%" PRIu32 "-%" PRIu32 "-%" PRIu64, gtid->domain, gtid->server,
                      gtid->sequence);
    } else if (gtid->flavour == GTID_MYSQL) {
        uuid_print(gtid->uuid, out);
        if (gtid->tag[0] != '\0')
            buffer_printf(out, ":%s", gtid->tag);
        buffer_printf(out, ":%" PRIu64, gtid->sequence);
    }
}

bool gtid_equal(const Gtid *a, const Gtid *b)
{
    if (a->flavour != b->flavour || a->sequence != b->sequence)
        return false;
    if (a->flavour == GTID_MARIADB)
        return a->domain == b->domain;
    return memcmp(a->uuid, b->uuid, 16) == 0 && strcmp(a->tag, b->tag) == 0;
}

void gtid_set_encode_mysql(const GtidSet *set, Buffer *out)
{
    buffer_append_u64(out, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        const GtidSource *source = &set->sources[i];
        buffer_append(out, source->uuid, 16);
        buffer_append_u64(out, source->count);
        for (uint32_t k = 0; k < source->count; k++) {
            buffer_append_u64(out, source->intervals[k].first);
            buffer_append_u64(out, source->intervals[k].last + 1);
        }
    }
}

/* -------------------------------------------------------------- positions */

void mysql_position_deinit(MysqlPosition *position)
{
    gtid_set_deinit(&position->gtids);
    memset(position, 0, sizeof(*position));
}

void mysql_position_copy(MysqlPosition *to, const MysqlPosition *from)
{
    if (to == from)
        return;
    memcpy(to->file, from->file, sizeof(to->file));
    to->offset = from->offset;
    to->skip_events = from->skip_events;
    to->skip_rows = from->skip_rows;
    gtid_set_copy(&to->gtids, &from->gtids);
}

int mysql_file_compare(const char *a, const char *b)
{
    const char *a_dot = strrchr(a, '.');
    const char *b_dot = strrchr(b, '.');
    uint64_t a_number = a_dot == NULL ? 0 : strtoull(a_dot + 1, NULL, 10);
    uint64_t b_number = b_dot == NULL ? 0 : strtoull(b_dot + 1, NULL, 10);
    if (a_number != b_number)
        return a_number < b_number ? -1 : 1;
    return strcmp(a, b);
}

int mysql_position_compare(const MysqlPosition *a, const MysqlPosition *b)
{
    int order = mysql_file_compare(a->file, b->file);
    if (order != 0)
        return order;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

void mysql_position_print(const MysqlPosition *position, Buffer *out)
{
    buffer_printf(out, "%s:%" PRIu64, position->file, position->offset);
    if (position->gtids.count > 0) {
        buffer_append_text(out, " (");
        gtid_set_print(&position->gtids, out);
        buffer_append_char(out, ')');
    }
}

void mysql_position_write(const MysqlPosition *position, Buffer *out)
{
    Buffer text = {0};
    gtid_set_print(&position->gtids, &text);
    buffer_append_bytes(out, str_of(position->file));
    buffer_append_u64(out, position->offset);
    buffer_append_u8(out, (uint8_t)position->gtids.flavour);
    buffer_append_bytes(out, (Str){text.data, text.length});
    buffer_deinit(&text);
}

bool mysql_position_read(MysqlPosition *position, Reader *reader, Error *error)
{
    Str file = reader_bytes(reader);
    uint64_t offset = reader_u64(reader);
    uint8_t flavour = reader_u8(reader);
    Str gtids = reader_bytes(reader);
    if (reader->failed || file.length > BINLOG_FILE_MAX || flavour > GTID_MARIADB)
        return error_set(error, ERROR_STATE, "position of a binlog is damaged");
    if (file.length > 0)
        memcpy(position->file, file.data, file.length);
    position->file[file.length] = '\0';
    position->offset = offset;
    if (flavour == GTID_NONE) {
        gtid_set_deinit(&position->gtids);
        return true;
    }
    return gtid_set_parse(&position->gtids, (GtidFlavour)flavour, gtids, error);
}
