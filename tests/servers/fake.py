"""A server that is none: it answers what a change-capture client asks and streams events made by hand.

For what neither server of the tests writes: packed transactions, binary JSON, tagged GTIDs, events of the
future, connections that break. One table, `d.t`, whose columns the test gives."""

import re
import socket
import struct
import threading
import time

UUID = "01020304-0506-0708-090a-0b0c0d0e0f10"


def lenenc(data):
    if data is None:
        return b"\xfb"
    if isinstance(data, str):
        data = data.encode()
    if len(data) < 251:
        return bytes([len(data)]) + data
    return b"\xfc" + struct.pack("<H", len(data)) + data


def packed(number):
    return bytes([number]) if number < 251 else b"\xfc" + struct.pack("<H", number)


def event(kind, body, end=0, flags=0, timestamp=1700000000):
    """Header and body, without checksum."""
    return struct.pack("<IBIIIH", timestamp, kind, 1, 19 + len(body), end, flags) + body


def rotate(name, offset=4):
    return event(4, struct.pack("<Q", offset) + name.encode(), flags=0x20, timestamp=0)


def format_description():
    lengths = bytes([8 if kind == 19 else 10 if 30 <= kind <= 32 or kind == 39 else 0
                     for kind in range(1, 43)])
    return event(15, struct.pack("<H", 4) + b"8.4.0".ljust(50, b"\0") + bytes(4) + b"\x13" + lengths
                 + b"\0" + bytes(4))


def tagged_gtid(number, tag=b"abc"):
    """Numbers as MySQL's serialization writes them: the count of low ones tells how many bytes follow."""
    def variable(value):
        if value < 128:
            return bytes([value << 1])
        return struct.pack("<H", value << 2 | 1)
    uuid = bytes.fromhex(UUID.replace("-", ""))
    body = b"\x02\x4a\x06" + b"\x00\x00" + b"\x02" + b"".join(variable(b) for b in uuid)
    body += b"\x04" + variable(number << 1) + b"\x06" + variable(len(tag)) + tag
    return event(42, body)


def query(sql):
    return event(2, struct.pack("<IIBHH", 1, 0, 1, 0, 0) + b"d\0" + sql.encode())


def table_map(types, metadata, table_id=7):
    nulls = bytes([0xFF] * ((len(types) + 7) // 8))
    return event(19, struct.pack("<IHH", table_id, 0, 1) + b"\x01d\0\x01t\0" + packed(len(types))
                 + bytes(types) + packed(len(metadata)) + bytes(metadata) + nulls)


def rows(kind, columns, images, table_id=7, present=None):
    """`present` are the bitmaps of columns that the images have; all, when none is given."""
    full = bytes([0xFF] * ((columns + 7) // 8)) * (2 if kind in (31, 39) else 1)
    return event(kind, struct.pack("<IHHH", table_id, 0, 1, 2) + packed(columns)
                 + (present or full) + images)


def xid():
    return event(16, struct.pack("<Q", 1))


def xa_prepare(name):
    return event(38, struct.pack("<BIII", 0, 1, len(name), 0) + name)


def zstd_frame(data):
    """A frame of one raw block: valid, though nothing is saved."""
    header = b"\x28\xb5\x2f\xfd" + b"\xa0" + struct.pack("<I", len(data))
    return header + (len(data) << 3 | 1).to_bytes(3, "little") + data


def payload(events, compressed=True):
    inner = b"".join(events)
    data = zstd_frame(inner) if compressed else inner
    fields = b"".join(packed(field) + packed(len(value)) + value for field, value in (
        (2, packed(0 if compressed else 255)), (3, packed(len(inner))), (1, packed(len(data)))))
    return event(40, fields + b"\0" + data)


class FakeServer:
    """Serves connections until closed. `streams` is what each request for the binlog gets: a list of
    events; None in it closes the connection there. The last of `files` is the one being written."""

    def __init__(self, columns, streams, port=0, files=("binlog.000001",)):
        self.columns = columns
        self.streams = streams
        self.files = files
        self.dumps = []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def close(self):
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()

    # One connection.

    def serve(self, connection):
        reader = connection.makefile("rb")
        sequence = [0]

        def send(data):
            while True:
                part, data = data[:0xFFFFFF], data[0xFFFFFF:]
                connection.sendall(len(part).to_bytes(3, "little") + bytes([sequence[0]]) + part)
                sequence[0] = (sequence[0] + 1) & 255
                if len(part) < 0xFFFFFF:
                    return

        def receive():
            head = reader.read(4)
            if len(head) < 4:
                raise ConnectionError
            sequence[0] = (head[3] + 1) & 255
            return reader.read(int.from_bytes(head[:3], "little"))

        try:
            send(b"\x0a8.4.0\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<H", 0xA20D)
                 + b"\x2d\x02\x00" + struct.pack("<H", 0x0008) + b"\x15" + bytes(10)
                 + b"123456789012\0mysql_native_password\0")
            receive()
            send(b"\0\0\0\x02\0\0\0")
            while True:
                packet = receive()
                if packet[0] == 3:
                    self.answer(packet[1:].decode(), send)
                elif packet[0] == 14:
                    send(b"\0\0\0\x02\0\0\0")
                elif packet[0] in (0x12, 0x1E):
                    self.dump(packet, send)
                    return
                else:
                    return
        except (ConnectionError, OSError):
            pass
        finally:
            connection.close()

    def dump(self, packet, send):
        self.dumps.append(packet)
        # The first request comes when the table is opened, only to see whether it is allowed.
        number = min(len(self.dumps) - 2, len(self.streams) - 1)
        events = self.streams[number] if number >= 0 else []
        asked = packet[11:].decode() if packet[0] == 0x12 else ""
        for item in [rotate(asked or self.files[-1]), format_description()] + events:
            if item is None:
                return
            send(b"\0" + item)
        while True:
            time.sleep(0.3)
            send(b"\0" + event(27, self.files[-1].encode(), end=0))

    def answer(self, sql, send):
        rows_found = None
        answers = (
            (r"^SET ", None),
            (r"VERSION\(\)", [("8.4.0",)]),
            (r"@@server_id", [("1",)]),
            (r"@@server_uuid", [(UUID,)]),
            (r"@@gtid_mode", [("ON",)]),
            (r"binlog_snapshot", []),
            (r"LIKE 'log_bin'", [("log_bin", "ON")]),
            (r"LIKE 'binlog_format'", [("binlog_format", "ROW")]),
            (r"LIKE 'binlog_row_image'", [("binlog_row_image", "FULL")]),
            (r"SHOW BINARY LOG STATUS", [(self.files[-1], "4", "", "", UUID + ":1-5")]),
            (r"SHOW BINARY LOGS", [(file, "1000") for file in self.files]),
            (r"TABLE_SCHEMA, TABLE_NAME", [("d", "t")]),
            (r"information_schema.COLUMNS", self.columns),
            (r"information_schema.STATISTICS", [("PRIMARY", "id", "", None)]),
            (r"TABLE_ROWS", [("0",)]),
            (r"REFERENTIAL_CONSTRAINTS", []),
        )
        for pattern, found in answers:
            if re.search(pattern, sql):
                rows_found = found
                break
        if rows_found is None:
            send(b"\0\0\0\x02\0\0\0")
            return
        width = len(rows_found[0]) if rows_found else 2
        send(bytes([width]))
        for i in range(width):
            name = "c%d" % i
            send(lenenc("def") + lenenc("") * 3 + lenenc(name) * 2 + b"\x0c\x2d\0"
                 + struct.pack("<IBHB", 1024, 0xFD, 0, 0) + b"\0\0")
        send(b"\xfe\0\0\x02\0")
        for row in rows_found:
            send(b"".join(lenenc(value) for value in row))
        send(b"\xfe\0\0\x02\0")
