/* What a server and a connection allow, with nothing done to the rows.
 *
 *   limits_mysql frame HOST PORT USER PASSWORD FILE POSITION   the binlog from there to its end,
 * cut into events: CPU s, wall s, events, bytes limits_mysql select HOST PORT USER PASSWORD SQL the
 * rows of a query, fetched and dropped: CPU s, wall s, rows
 */
#include <inttypes.h>
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define BUFFER_BYTES ((size_t)64 << 20) /* more than any event here */
#define READ_BYTES   ((size_t)256 << 10)

static double wall_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void fail(MYSQL *mysql)
{
    fprintf(stderr, "limits_mysql: %s\n", mysql_error(mysql));
    exit(1);
}

static void run(MYSQL *mysql, const char *sql)
{
    if (mysql_query(mysql, sql) != 0)
        fail(mysql);
}

static void ask_for_binlog(MYSQL *mysql, const char *file, uint32_t position)
{
    const uint16_t end_at_the_end = 1;
    const uint32_t server_id = 987654;
    char body[300];
    run(mysql, "SET @master_binlog_checksum='NONE'");
    run(mysql, "SET @mariadb_slave_capability=4");
    memcpy(body, &position, 4);
    memcpy(body + 4, &end_at_the_end, 2);
    memcpy(body + 6, &server_id, 4);
    snprintf(body + 10, sizeof(body) - 10, "%s", file);
    if (mysql->methods->db_command(mysql, COM_BINLOG_DUMP, body, 10 + strlen(file), 1, NULL) != 0)
        fail(mysql);
}

static void frame(MYSQL *mysql, const char *file, uint32_t position)
{
    uint8_t *buffer = malloc(BUFFER_BYTES);
    size_t start = 0, end = 0;
    uint64_t events = 0, bytes = 0;
    ask_for_binlog(mysql, file, position);
    double wall = wall_s(), cpu = cpu_s();
    for (;;) {
        if (end + READ_BYTES > BUFFER_BYTES) {
            memmove(buffer, buffer + start, end - start);
            end -= start;
            start = 0;
        }
        ssize_t got = recv(mysql_get_socket(mysql), buffer + end, READ_BYTES, 0);
        if (got <= 0)
            break;
        end += (size_t)got;
        while (end - start >= 5) {
            const uint8_t *head = buffer + start;
            size_t length = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
            if (head[4] != 0) /* an error or the end */
                goto ended;
            if (end - start < length + 4)
                break;
            events++;
            bytes += length;
            start += length + 4;
        }
    }
ended:
    printf("%.6f %.6f %" PRIu64 " %" PRIu64 "\n", cpu_s() - cpu, wall_s() - wall, events, bytes);
    free(buffer);
}

static void select_rows(MYSQL *mysql, const char *sql)
{
    double wall = wall_s(), cpu = cpu_s();
    uint64_t rows = 0;
    run(mysql, sql);
    MYSQL_RES *result = mysql_use_result(mysql);
    if (result == NULL)
        fail(mysql);
    while (mysql_fetch_row(result) != NULL)
        rows++;
    printf("%.6f %.6f %" PRIu64 "\n", cpu_s() - cpu, wall_s() - wall, rows);
    mysql_free_result(result);
}

int main(int count, char **arguments)
{
    bool framing = count == 8 && strcmp(arguments[1], "frame") == 0;
    bool selecting = count == 7 && strcmp(arguments[1], "select") == 0;
    if (!framing && !selecting) {
        fprintf(stderr, "usage: limits_mysql frame HOST PORT USER PASSWORD FILE POSITION\n"
                        "       limits_mysql select HOST PORT USER PASSWORD SQL\n");
        return 2;
    }
    MYSQL *mysql = mysql_init(NULL);
    unsigned int port = (unsigned int)strtoul(arguments[3], NULL, 10);
    if (mysql_real_connect(mysql, arguments[2], arguments[4], arguments[5], NULL, port, NULL, 0) ==
        NULL)
        fail(mysql);
    if (framing)
        frame(mysql, arguments[6], (uint32_t)strtoul(arguments[7], NULL, 10));
    else
        select_rows(mysql, arguments[6]);
    mysql_close(mysql);
    return 0;
}
