/* Values whose text is a form of its own: geometries as JSON, UUIDs and addresses, JSON without
 * spaces.
 *
 * Sources: the servers' manuals for the stored forms (a geometry is an SRID and well-known binary;
 * MariaDB keeps a UUID of versions 1 to 5 with its five groups in reverse, so that it sorts by
 * time); Flink CDC's documentation for the JSON of a geometry. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/binlog_event.h"
#include "connectors/mysql/value.h"
#include "core/str.h"

/* ---------------------------------------------------------------- geometry */

#define GEOMETRY_DEPTH_MAX 64

typedef enum WkbType {
    WKB_POINT = 1,
    WKB_LINESTRING,
    WKB_POLYGON,
    WKB_MULTIPOINT,
    WKB_MULTILINESTRING,
    WKB_MULTIPOLYGON,
    WKB_COLLECTION
} WkbType;

typedef struct WkbReader {
    const uint8_t *at;
    const uint8_t *end;
    bool big; /* the geometry being read has its numbers in big-endian order */
} WkbReader;

static bool read_u32(WkbReader *reader, uint32_t *out)
{
    uint32_t number = 0;
    if (reader->end - reader->at < 4)
        return false;
    memcpy(&number, reader->at, 4);
    *out = reader->big ? __builtin_bswap32(number) : number;
    reader->at += 4;
    return true;
}

/* A count of things of at least so many bytes: what cannot be there is not believed. */
static bool read_count(WkbReader *reader, size_t least_bytes, uint32_t *out)
{
    return read_u32(reader, out) && *out <= (size_t)(reader->end - reader->at) / least_bytes;
}

/* The shortest digits that read back as the same number; a whole one without point. */
static void print_number(double number, Buffer *out)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    buffer_append_text(out, text);
}

static bool print_point(WkbReader *reader, Buffer *out)
{
    uint64_t bits[2];
    if (reader->end - reader->at < 16)
        return false;
    memcpy(bits, reader->at, 16);
    reader->at += 16;
    for (int i = 0; i < 2; i++) {
        double number;
        bits[i] = reader->big ? __builtin_bswap64(bits[i]) : bits[i];
        memcpy(&number, &bits[i], sizeof(number));
        buffer_append_char(out, i == 0 ? '[' : ',');
        print_number(number, out);
    }
    buffer_append_char(out, ']');
    return true;
}

/* A list of points, or of `depth` lists of them. */
static bool print_points(WkbReader *reader, uint32_t depth, Buffer *out)
{
    uint32_t count = 0;
    if (!read_count(reader, depth == 0 ? 16 : 4, &count))
        return false;
    buffer_append_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        if (!(depth == 0 ? print_point(reader, out) : print_points(reader, depth - 1, out)))
            return false;
    }
    buffer_append_char(out, ']');
    return true;
}

static bool read_head(WkbReader *reader, uint32_t *type)
{
    if (reader->at == reader->end)
        return false;
    reader->big = *reader->at++ == 0;
    return read_u32(reader, type) && *type >= WKB_POINT && *type <= WKB_COLLECTION;
}

static bool print_coordinates(WkbReader *reader, uint32_t type, Buffer *out)
{
    switch ((WkbType)type) {
    case WKB_POINT:
        return print_point(reader, out);
    case WKB_LINESTRING:
        return print_points(reader, 0, out);
    case WKB_POLYGON:
        return print_points(reader, 1, out);
    default:
        return false;
    }
}

/* The coordinates of the parts of a multi-geometry: each has a head of its own. */
static bool print_parts(WkbReader *reader, uint32_t part_type, Buffer *out)
{
    uint32_t count = 0, type = 0;
    if (!read_count(reader, 9, &count))
        return false;
    buffer_append_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        if (!read_head(reader, &type) || type != part_type || !print_coordinates(reader, type, out))
            return false;
    }
    buffer_append_char(out, ']');
    return true;
}

/* "type":… and "coordinates":… or "geometries":…, without braces. */
static bool print_geometry(WkbReader *reader, uint32_t depth, Buffer *out)
{
    static const char *const names[] = {
        "",           "Point",           "LineString",   "Polygon",
        "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"};
    uint32_t type = 0, count = 0;
    if (depth > GEOMETRY_DEPTH_MAX || !read_head(reader, &type))
        return false;
    buffer_printf(out, "\"type\":\"%s\",", names[type]);
    if (type != WKB_COLLECTION) {
        buffer_append_text(out, "\"coordinates\":");
        return type < WKB_MULTIPOINT ? print_coordinates(reader, type, out)
                                     : print_parts(reader, type - WKB_MULTIPOINT + WKB_POINT, out);
    }
    buffer_append_text(out, "\"geometries\":[");
    if (!read_count(reader, 9, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_text(out, i == 0 ? "{" : ",{");
        if (!print_geometry(reader, depth + 1, out))
            return false;
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, ']');
    return true;
}

bool mysql_geometry_print(Str bytes, Buffer *out)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    if (bytes.length < 9)
        return false;
    WkbReader reader = {.at = at + 4, .end = at + bytes.length};
    buffer_printf(out, "{\"srid\":%u,", (unsigned int)binlog_u(at, 4));
    bool good = print_geometry(&reader, 0, out) && reader.at == reader.end;
    buffer_append_char(out, '}');
    return good;
}

/* -------------------------------------------------------------------- JSON */

void mysql_json_squeeze(Str text, Buffer *out)
{
    bool quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (quoted && c == '\\' && i + 1 < text.length) {
            buffer_append_char(out, c);
            c = text.data[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == ' ') {
            continue;
        }
        buffer_append_char(out, c);
    }
}

/* ------------------------------------------------------------ UUID and INET */

/* Whether the stored form has its groups in reverse, as versions 1 to 5 of the usual variant do;
 * the server refuses what would look so without being it. */
static bool uuid_is_reversed(const uint8_t *stored)
{
    return (stored[6] & 0x80) != 0 && stored[8] > 0 && stored[8] < 0x60;
}

static void print_uuid(const uint8_t *stored, Buffer *out)
{
    /* Where the bytes of the text stand in the reversed form. */
    static const uint8_t reversed[16] = {12, 13, 14, 15, 10, 11, 8, 9, 6, 7, 0, 1, 2, 3, 4, 5};
    bool is_reversed = uuid_is_reversed(stored);
    for (uint32_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buffer_append_char(out, '-');
        buffer_printf(out, "%02x", stored[is_reversed ? reversed[i] : i]);
    }
}

/* As the server prints it: the longest run of zero groups, the first of several, as "::", also one
 * of a single group; the last four bytes as an IPv4 address where the others say that they are. */
static void print_inet6(const uint8_t *stored, Buffer *out)
{
    uint32_t groups[8], best = 8, best_length = 0;
    for (uint32_t i = 0; i < 8; i++)
        groups[i] = (uint32_t)stored[2 * i] << 8 | stored[2 * i + 1];
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t length = 0;
        while (i + length < 8 && groups[i + length] == 0)
            length++;
        if (length > best_length) {
            best = i;
            best_length = length;
        }
    }
    bool compatible = best == 0 && best_length == 6;
    bool mapped = best == 0 && best_length == 5 && groups[5] == 0xFFFF;
    for (uint32_t i = 0; i < 8; i++) {
        if (i == best) {
            buffer_append_text(out, "::");
            i += best_length - 1;
            continue;
        }
        if (i > 0 && i != best + best_length)
            buffer_append_char(out, ':');
        if (i == 6 && (compatible || mapped)) {
            buffer_printf(out, "%u.%u.%u.%u", stored[12], stored[13], stored[14], stored[15]);
            return;
        }
        buffer_printf(out, "%x", groups[i]);
    }
}

bool mysql_identity_print(MysqlClass class, Str bytes, Buffer *out)
{
    uint8_t stored[16] = {0};
    size_t wanted = class == CLASS_INET4 ? 4 : 16;
    if (bytes.length > wanted)
        return false;
    if (bytes.length > 0)
        memcpy(stored, bytes.data, bytes.length);
    if (class == CLASS_UUID) {
        print_uuid(stored, out);
        return true;
    }
    if (class == CLASS_INET4)
        buffer_printf(out, "%u.%u.%u.%u", stored[0], stored[1], stored[2], stored[3]);
    else
        print_inet6(stored, out);
    return true;
}
