/* Binlog events: framing, checksums and the small events. Tables and rows: mysql/binlog_table.c.
 *
 * Invariant: nothing is read past `end`; a short event is an error that names its type.
 * Cost: headers are a handful of loads; checksums run over every byte once. */
#include "connectors/mysql/binlog_event.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/crc.h"
#include "core/str.h"

void binlog_format_init(BinlogFormat *format)
{
    memset(format, 0, sizeof(*format));
}

void binlog_event_inner(const uint8_t *bytes, size_t length, BinlogEvent *event)
{
    event->timestamp = (uint32_t)binlog_u(bytes, 4);
    event->type = bytes[4];
    event->server_id = (uint32_t)binlog_u(bytes + 5, 4);
    event->length = (uint32_t)length;
    event->end_offset = 0;
    event->flags = (uint16_t)binlog_u(bytes + 17, 2);
    event->body = bytes + EVENT_HEADER_BYTES;
    event->end = bytes + length;
}

const char *binlog_event_name(uint8_t type)
{
    static const struct {
        uint8_t type;
        const char *name;
    } names[] = {
        {EVENT_QUERY, "QUERY"},
        {EVENT_ROTATE, "ROTATE"},
        {EVENT_FORMAT_DESCRIPTION, "FORMAT_DESCRIPTION"},
        {EVENT_TABLE_MAP, "TABLE_MAP"},
        {EVENT_WRITE_ROWS_V1, "WRITE_ROWS"},
        {EVENT_UPDATE_ROWS_V1, "UPDATE_ROWS"},
        {EVENT_DELETE_ROWS_V1, "DELETE_ROWS"},
        {EVENT_INCIDENT, "INCIDENT"},
        {EVENT_WRITE_ROWS_V2, "WRITE_ROWS"},
        {EVENT_UPDATE_ROWS_V2, "UPDATE_ROWS"},
        {EVENT_DELETE_ROWS_V2, "DELETE_ROWS"},
        {EVENT_GTID, "GTID"},
        {EVENT_PREVIOUS_GTIDS, "PREVIOUS_GTIDS"},
        {EVENT_XA_PREPARE, "XA_PREPARE"},
        {EVENT_PARTIAL_UPDATE_ROWS, "PARTIAL_UPDATE_ROWS"},
        {EVENT_TRANSACTION_PAYLOAD, "TRANSACTION_PAYLOAD"},
        {EVENT_GTID_TAGGED, "GTID_TAGGED"},
        {EVENT_MARIADB_GTID, "GTID"},
        {EVENT_MARIADB_GTID_LIST, "GTID_LIST"},
        {EVENT_MARIADB_QUERY_COMPRESSED, "QUERY_COMPRESSED"},
    };
    for (size_t i = 0; i < array_count(names); i++) {
        if (names[i].type == type)
            return names[i].name;
    }
    return "binlog";
}

bool binlog_malformed(uint8_t type, const char *what, Error *error)
{
    error_set(error, ERROR_DATA, "malformed %s event (type %u): %s", binlog_event_name(type), type,
              what);
    return error_hint(error, "The binlog is damaged or comes from a server that is not known; "
                             "check it with mysqlbinlog.");
}

bool binlog_event_read(const BinlogFormat *format, const uint8_t *bytes, size_t length,
                       BinlogEvent *event, Error *error)
{
    if (length < EVENT_HEADER_BYTES)
        return error_set(error, ERROR_DATA, "binlog event of %zu bytes has no whole header",
                         length);
    event->timestamp = (uint32_t)binlog_u(bytes, 4);
    event->type = bytes[4];
    event->server_id = (uint32_t)binlog_u(bytes + 5, 4);
    event->length = (uint32_t)binlog_u(bytes + 9, 4);
    event->end_offset = (uint32_t)binlog_u(bytes + 13, 4);
    event->flags = (uint16_t)binlog_u(bytes + 17, 2);
    event->body = bytes + EVENT_HEADER_BYTES;
    event->end = bytes + length;
    if (event->length != length)
        return binlog_malformed(event->type, "its length differs from its packet's", error);
    /* A FORMAT_DESCRIPTION says itself whether it has a checksum. */
    if (!format->checksum || event->type == EVENT_FORMAT_DESCRIPTION)
        return true;
    if (length < EVENT_HEADER_BYTES + 4)
        return binlog_malformed(event->type, "no room for its checksum", error);
    event->end -= 4;
    uint32_t found = mysql_crc32(bytes, length - 4);
    if (found != (uint32_t)binlog_u(event->end, 4))
        return binlog_malformed(event->type, "its checksum does not match", error);
    return true;
}

bool binlog_read_packed(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    if (*at >= end)
        return false;
    uint8_t first = *(*at)++;
    if (first < 251) {
        *value = first;
        return true;
    }
    uint32_t bytes = first == 252 ? 2 : first == 253 ? 3 : first == 254 ? 8 : 0;
    if (bytes == 0 || (size_t)(end - *at) < bytes)
        return false;
    *value = binlog_u(*at, bytes);
    *at += bytes;
    return true;
}

bool binlog_read_format(BinlogFormat *format, const BinlogEvent *event, Error *error)
{
    size_t length = (size_t)(event->end - event->body);
    if (length < 57)
        return binlog_malformed(event->type, "too short", error);
    if (binlog_u(event->body, 2) != 4)
        return binlog_malformed(event->type, "not binlog version 4", error);
    if (event->body[56] != EVENT_HEADER_BYTES)
        return binlog_malformed(event->type, "unknown header length", error);
    memset(format, 0, sizeof(*format));
    memcpy(format->server_version, event->body + 2, 50);
    /* Servers since MySQL 5.6.1 and MariaDB 5.3 end it with the algorithm and a checksum. */
    size_t types = length - 57;
    if (types >= 5) {
        uint8_t algorithm = event->body[length - 5];
        if (algorithm > 1)
            return binlog_malformed(event->type, "unknown checksum algorithm", error);
        format->checksum = algorithm == 1;
        types -= 5;
        const uint8_t *start = event->body - EVENT_HEADER_BYTES;
        size_t covered = EVENT_HEADER_BYTES + length - 4;
        if (format->checksum &&
            mysql_crc32(start, covered) != (uint32_t)binlog_u(event->end - 4, 4))
            return binlog_malformed(event->type, "its checksum does not match", error);
    }
    for (size_t i = 0; i < types && i + 1 < 256; i++)
        format->post_header[i + 1] = event->body[57 + i];
    return true;
}

bool binlog_read_rotate(const BinlogEvent *event, BinlogRotate *rotate, Error *error)
{
    size_t length = (size_t)(event->end - event->body);
    if (length < 8 || length - 8 > BINLOG_FILE_MAX)
        return binlog_malformed(event->type, "no file name", error);
    rotate->offset = binlog_u(event->body, 8);
    memcpy(rotate->file, event->body + 8, length - 8);
    rotate->file[length - 8] = '\0';
    return true;
}

bool binlog_read_heartbeat(const BinlogEvent *event, BinlogRotate *at)
{
    size_t length = (size_t)(event->end - event->body);
    at->offset = event->end_offset;
    if (event->type == EVENT_HEARTBEAT) {
        if (length == 0 || length > BINLOG_FILE_MAX)
            return false;
        memcpy(at->file, event->body, length);
        at->file[length] = '\0';
        /* MySQL 8 and MariaDB append the upper bits behind the name where it was cut; a name never
         * holds a zero byte. */
        return at->offset != 0;
    }
    /* HEARTBEAT_V2 is a list of (type, length, value): 1 the file name, 2 the offset. */
    const uint8_t *next = event->body;
    bool has_file = false;
    while (next < event->end) {
        uint64_t type = 0, bytes = 0;
        if (!binlog_read_packed(&next, event->end, &type) || type == 0 ||
            !binlog_read_packed(&next, event->end, &bytes) || (uint64_t)(event->end - next) < bytes)
            break;
        if (type == 1 && bytes <= BINLOG_FILE_MAX) {
            memcpy(at->file, next, bytes);
            at->file[bytes] = '\0';
            has_file = true;
        } else if (type == 2) {
            const uint8_t *value = next;
            if (!binlog_read_packed(&value, next + bytes, &at->offset))
                return false;
        }
        next += bytes;
    }
    return has_file && at->offset != 0;
}

/* ------------------------------------------------------------------ GTIDs */

/* MySQL's serialization library: the count of trailing ones in the first byte tells how many bytes
 * follow; the value fills the bits above them. */
static bool read_serialized(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    if (*at >= end)
        return false;
    uint8_t first = **at;
    uint32_t extra = 0;
    while (extra < 8 && (first >> extra & 1) != 0)
        extra++;
    if ((size_t)(end - *at) < extra + 1)
        return false;
    if (extra == 8) {
        *value = binlog_u(*at + 1, 8);
    } else {
        *value = (uint64_t)first >> (extra + 1);
        *value |= binlog_u(*at + 1, extra) << (7 - extra);
    }
    *at += extra + 1;
    return true;
}

static bool read_tag(const uint8_t **at, const uint8_t *end, char *tag)
{
    uint64_t length = 0;
    if (!read_serialized(at, end, &length) || length > GTID_TAG_MAX ||
        (uint64_t)(end - *at) < length)
        return false;
    memcpy(tag, *at, length);
    tag[length] = '\0';
    *at += length;
    return true;
}

/* Fields by number: 0 flags, 1 uuid (a serialized number per byte), 2 sequence (with the sign in
 * its lowest bit), 3 tag; what follows is not needed. */
static bool read_tagged_gtid(const BinlogEvent *event, Gtid *gtid)
{
    const uint8_t *at = event->body;
    uint64_t version = 0, size = 0, last_needed = 0, value = 0;
    if (!read_serialized(&at, event->end, &version) || !read_serialized(&at, event->end, &size) ||
        !read_serialized(&at, event->end, &last_needed))
        return false;
    for (uint64_t wanted = 0; wanted <= 3; wanted++) {
        uint64_t field = 0;
        if (!read_serialized(&at, event->end, &field) || field != wanted)
            return false;
        if (field == 1) {
            for (int i = 0; i < 16; i++) {
                if (!read_serialized(&at, event->end, &value) || value > 255)
                    return false;
                gtid->uuid[i] = (uint8_t)value;
            }
        } else if (field == 3) {
            if (!read_tag(&at, event->end, gtid->tag))
                return false;
        } else {
            if (!read_serialized(&at, event->end, &value))
                return false;
            if (field == 2)
                gtid->sequence = value >> 1;
        }
    }
    return true;
}

bool binlog_read_gtid(const BinlogEvent *event, Gtid *gtid, uint8_t *flags, Error *error)
{
    size_t length = (size_t)(event->end - event->body);
    memset(gtid, 0, sizeof(*gtid));
    *flags = 0;
    if (event->type == EVENT_MARIADB_GTID) {
        if (length < 13)
            return binlog_malformed(event->type, "too short", error);
        gtid->flavour = GTID_MARIADB;
        gtid->sequence = binlog_u(event->body, 8);
        gtid->domain = (uint32_t)binlog_u(event->body + 8, 4);
        gtid->server = event->server_id;
        *flags = event->body[12];
        return true;
    }
    gtid->flavour = GTID_MYSQL;
    if (event->type == EVENT_GTID_TAGGED) {
        if (!read_tagged_gtid(event, gtid))
            return binlog_malformed(event->type, "fields are not as expected", error);
        return true;
    }
    if (length < 25)
        return binlog_malformed(event->type, "too short", error);
    memcpy(gtid->uuid, event->body + 1, 16);
    gtid->sequence = binlog_u(event->body + 17, 8);
    return true;
}

bool binlog_read_previous_gtids(const BinlogEvent *event, GtidSet *set, Error *error)
{
    const uint8_t *at = event->body;
    if (event->end - at < 8)
        return binlog_malformed(event->type, "too short", error);
    uint64_t count = binlog_u(at, 8);
    /* Since MySQL 8.3 the uppermost byte is the form: 1 has tags, and the count in between. */
    bool tagged = count >> 56 == 1;
    if (tagged)
        count = count >> 8 & 0xFFFFFFFFFFFF;
    at += 8;
    set->flavour = GTID_MYSQL;
    for (uint64_t i = 0; i < count; i++) {
        Gtid gtid = {.flavour = GTID_MYSQL};
        if (event->end - at < 16)
            return binlog_malformed(event->type, "too short", error);
        memcpy(gtid.uuid, at, 16);
        at += 16;
        if ((tagged && !read_tag(&at, event->end, gtid.tag)) || event->end - at < 8)
            return binlog_malformed(event->type, "too short", error);
        uint64_t intervals = binlog_u(at, 8);
        at += 8;
        for (uint64_t k = 0; k < intervals; k++) {
            if (event->end - at < 16)
                return binlog_malformed(event->type, "too short", error);
            uint64_t first = binlog_u(at, 8);
            uint64_t past = binlog_u(at + 8, 8);
            if (first == 0 || past <= first)
                return binlog_malformed(event->type, "an interval is empty", error);
            gtid_set_add_interval(set, &gtid, first, past - 1);
            at += 16;
        }
    }
    return true;
}

bool binlog_read_gtid_list(const BinlogEvent *event, GtidSet *set, Error *error)
{
    size_t length = (size_t)(event->end - event->body);
    if (length < 4)
        return binlog_malformed(event->type, "too short", error);
    uint64_t count = binlog_u(event->body, 4) & 0x0FFFFFFF;
    if (count * 16 > length - 4)
        return binlog_malformed(event->type, "too short", error);
    set->flavour = GTID_MARIADB;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *at = event->body + 4 + i * 16;
        gtid_set_add(set, &(Gtid){.flavour = GTID_MARIADB,
                                  .domain = (uint32_t)binlog_u(at, 4),
                                  .server = (uint32_t)binlog_u(at + 4, 4),
                                  .sequence = binlog_u(at + 8, 8)});
    }
    return true;
}

/* ---------------------------------------------------------------- QUERY, XA */

bool binlog_unpack_mariadb(const uint8_t *bytes, size_t length, Buffer *out)
{
    if (length < 1 || (bytes[0] & 0x80) == 0 || (bytes[0] & 0x70) != 0)
        return false;
    uint32_t size_bytes = bytes[0] & 7;
    if (size_bytes == 0 || size_bytes > 4 || length < 1 + size_bytes)
        return false;
    uint64_t size = 0;
    for (uint32_t i = 0; i < size_bytes; i++)
        size = size << 8 | bytes[1 + i];
    /* zlib packs at most about 1032 to 1: more is a lie that would only cost memory. */
    if (size > (uint64_t)length * 1100 + 64)
        return false;
    buffer_clear(out);
    char *target = buffer_reserve(out, size + 1);
    uLongf unpacked = (uLongf)size;
    int result = uncompress((Bytef *)target, &unpacked, bytes + 1 + size_bytes,
                            (uLong)(length - 1 - size_bytes));
    if (result != Z_OK || unpacked != size)
        return false;
    out->length = size;
    return true;
}

bool binlog_read_query(const BinlogEvent *event, BinlogQuery *query, Buffer *scratch, Error *error)
{
    const uint8_t *body = event->body;
    size_t length = (size_t)(event->end - body);
    memset(query, 0, sizeof(*query));
    if (length < 13)
        return binlog_malformed(event->type, "too short", error);
    size_t database_length = body[8];
    size_t status_length = (size_t)binlog_u(body + 11, 2);
    if (length < 13 + status_length + database_length + 1)
        return binlog_malformed(event->type, "too short", error);
    /* Status variables are in order of their codes: 0 flags (4 bytes), 1 sql_mode (8). */
    const uint8_t *status = body + 13;
    size_t at = status_length >= 5 && status[0] == 0 ? 5 : 0;
    if (status_length >= at + 9 && status[at] == 1) {
        query->has_sql_mode = true;
        query->sql_mode = binlog_u(status + at + 1, 8);
    }
    const uint8_t *database = status + status_length;
    const uint8_t *sql = database + database_length + 1;
    query->database = (Str){(const char *)database, database_length};
    query->sql = (Str){(const char *)sql, (size_t)(event->end - sql)};
    if (event->type != EVENT_MARIADB_QUERY_COMPRESSED)
        return true;
    if (!binlog_unpack_mariadb(sql, query->sql.length, scratch))
        return binlog_malformed(event->type, "it cannot be unpacked", error);
    query->sql = (Str){scratch->data, scratch->length};
    return true;
}

static bool xid_make(BinlogXid *xid, uint32_t format, Str global, Str branch)
{
    if (global.length > 64 || branch.length > 64)
        return false;
    memcpy(xid->bytes, &format, 4);
    memcpy(xid->bytes + 4, global.data, global.length);
    /* The border between the parts is part of the identity. */
    memcpy(xid->bytes + 4 + global.length, branch.data, branch.length);
    xid->length = (uint32_t)(4 + global.length + branch.length);
    xid->bytes[3] = (uint8_t)(xid->bytes[3] ^ global.length);
    return true;
}

bool binlog_read_xa_prepare(const BinlogEvent *event, BinlogXid *xid, Error *error)
{
    const uint8_t *body = event->body;
    size_t length = (size_t)(event->end - body);
    memset(xid, 0, sizeof(*xid));
    if (length < 13)
        return binlog_malformed(event->type, "too short", error);
    uint64_t global = binlog_u(body + 5, 4);
    uint64_t branch = binlog_u(body + 9, 4);
    if (global > 64 || branch > 64 || length < 13 + global + branch)
        return binlog_malformed(event->type, "its transaction identifier is too long", error);
    xid->one_phase = body[0] != 0;
    const char *data = (const char *)body + 13;
    if (!xid_make(xid, (uint32_t)binlog_u(body + 1, 4), (Str){data, global},
                  (Str){data + global, branch}))
        return binlog_malformed(event->type, "its transaction identifier is too long", error);
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* X'6162', the way servers write it into the binlog. */
static bool xid_part(Str *text, char *out, Str *part)
{
    Str rest = str_trim(*text);
    if (rest.length < 3 || (rest.data[0] | 0x20) != 'x' || rest.data[1] != '\'')
        return false;
    size_t at = 2;
    size_t bytes = 0;
    while (at + 1 < rest.length && rest.data[at] != '\'') {
        int high = hex_value(rest.data[at]);
        int low = hex_value(rest.data[at + 1]);
        if (high < 0 || low < 0 || bytes == 64)
            return false;
        out[bytes++] = (char)(high << 4 | low);
        at += 2;
    }
    if (at >= rest.length || rest.data[at] != '\'')
        return false;
    *part = (Str){out, bytes};
    *text = (Str){rest.data + at + 1, rest.length - at - 1};
    return true;
}

bool binlog_xid_parse(Str sql, BinlogXid *xid)
{
    char global_bytes[64], branch_bytes[64];
    Str global = {0}, branch = {0};
    memset(xid, 0, sizeof(*xid));
    /* Past "XA" and the verb. */
    Str rest = str_trim(sql);
    for (int word = 0; word < 2; word++) {
        while (rest.length > 0 && *rest.data != ' ')
            rest = (Str){rest.data + 1, rest.length - 1};
        rest = str_trim(rest);
    }
    if (!xid_part(&rest, global_bytes, &global))
        return false;
    uint32_t format = 1;
    rest = str_trim(rest);
    if (rest.length > 0 && *rest.data == ',') {
        rest = (Str){rest.data + 1, rest.length - 1};
        if (!xid_part(&rest, branch_bytes, &branch))
            return false;
        rest = str_trim(rest);
        if (rest.length > 1 && *rest.data == ',') {
            char number[16] = "";
            Str digits = str_trim((Str){rest.data + 1, rest.length - 1});
            size_t count = digits.length < 15 ? digits.length : 15;
            memcpy(number, digits.data, count);
            format = (uint32_t)strtoul(number, NULL, 10);
        }
    }
    return xid_make(xid, format, global, branch);
}

bool binlog_read_payload(const BinlogEvent *event, BinlogPayload *payload, Error *error)
{
    const uint8_t *at = event->body;
    uint64_t packed_bytes = 0;
    memset(payload, 0, sizeof(*payload));
    bool has_size = false;
    for (;;) {
        uint64_t field = 0, length = 0, value = 0;
        if (!binlog_read_packed(&at, event->end, &field))
            return binlog_malformed(event->type, "too short", error);
        if (field == 0)
            break;
        if (!binlog_read_packed(&at, event->end, &length) || (uint64_t)(event->end - at) < length)
            return binlog_malformed(event->type, "too short", error);
        const uint8_t *next = at;
        if (!binlog_read_packed(&next, at + length, &value))
            return binlog_malformed(event->type, "a field has no number", error);
        at += length;
        if (field == 1) {
            packed_bytes = value;
            has_size = true;
        } else if (field == 2) {
            if (value != 0 && value != 255)
                return binlog_malformed(event->type, "unknown compression", error);
            payload->zstd = value == 0;
        } else if (field == 3) {
            payload->unpacked_bytes = value;
        }
    }
    payload->bytes = at;
    payload->length = (size_t)(event->end - at);
    if (!has_size || packed_bytes > payload->length)
        return binlog_malformed(event->type, "its payload is cut", error);
    payload->length = packed_bytes;
    return true;
}
