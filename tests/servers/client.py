"""A small client of the MySQL protocol, so that the tests need nothing but Python's own library.

Text protocol only, mysql_native_password only, no TLS. A value is str, or bytes where it is no UTF-8
or the column is binary, or None.
"""

import hashlib
import socket
import struct

CLIENT_FLAGS = (
    0x00000001    # long password
    | 0x00000004  # long flag
    | 0x00000008  # with database
    | 0x00000200  # protocol 4.1
    | 0x00002000  # transactions
    | 0x00008000  # secure connection
    | 0x00010000  # multi statements
    | 0x00020000  # multi results
    | 0x00080000  # authentication by plugin
)
UTF8MB4_GENERAL = 45
BINARY = 63


class SqlError(Exception):
    """The server's own error: number, state, text."""

    def __init__(self, number, state, text):
        super().__init__("%d (%s): %s" % (number, state, text))
        self.number = number


def read_length(data, at):
    """A length-encoded integer (None for NULL) and where it ends."""
    first = data[at]
    if first < 251:
        return first, at + 1
    if first == 251:
        return None, at + 1
    size = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(data[at + 1:at + 1 + size], "little"), at + 1 + size


def scramble(password, seed):
    """What mysql_native_password sends instead of the password."""
    if not password:
        return b""
    stage1 = hashlib.sha1(password.encode()).digest()
    stage2 = hashlib.sha1(stage1).digest()
    mask = hashlib.sha1(seed + stage2).digest()
    return bytes(a ^ b for a, b in zip(stage1, mask))


class Connection:
    """One session. Not for several threads at once."""

    def __init__(self, host, port, user, password, database=None, timeout=120):
        self.stream = socket.create_connection((host, port), timeout)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.stream.makefile("rb")
        self.sequence = 0
        self.affected = 0
        try:
            self.log_in(user, password, database)
        except Exception:
            self.close()
            raise

    # Packets.

    def read_packet(self):
        payload = b""
        while True:
            head = self.read_exact(4)
            length = int.from_bytes(head[:3], "little")
            self.sequence = (head[3] + 1) & 255
            payload += self.read_exact(length)
            if length < 0xFFFFFF:
                return payload

    def read_exact(self, size):
        data = self.input.read(size)
        if data is None or len(data) != size:
            raise ConnectionError("the server closed the connection")
        return data

    def send_packet(self, payload):
        out = b""
        while True:
            part, payload = payload[:0xFFFFFF], payload[0xFFFFFF:]
            out += len(part).to_bytes(3, "little") + bytes([self.sequence]) + part
            self.sequence = (self.sequence + 1) & 255
            if len(part) < 0xFFFFFF:
                break
        self.stream.sendall(out)

    @staticmethod
    def error_of(packet):
        number = struct.unpack_from("<H", packet, 1)[0]
        state, text = "", packet[3:]
        if text[:1] == b"#":
            state, text = text[1:6].decode(), text[6:]
        return SqlError(number, state, text.decode("utf-8", "replace"))

    # Logging in.

    def log_in(self, user, password, database):
        hello = self.read_packet()
        if hello[0] == 0xFF:
            raise self.error_of(hello)
        end = hello.index(b"\0", 1)
        self.version = hello[1:end].decode()
        self.thread_id = struct.unpack_from("<I", hello, end + 1)[0]
        seed = hello[end + 5:end + 13]
        seed += hello[end + 32:end + 44]
        flags = CLIENT_FLAGS if database else CLIENT_FLAGS & ~8
        reply = struct.pack("<IIB23x", flags, 1 << 24, UTF8MB4_GENERAL)
        secret = scramble(password, seed)
        reply += user.encode() + b"\0" + bytes([len(secret)]) + secret
        if database:
            reply += database.encode() + b"\0"
        reply += b"mysql_native_password\0"
        self.send_packet(reply)
        answer = self.read_packet()
        if answer[0] == 0xFE:
            # Another plugin or another seed is asked for.
            name, _, rest = answer[1:].partition(b"\0")
            if name != b"mysql_native_password":
                raise SqlError(2059, "", "authentication plugin " + name.decode())
            self.send_packet(scramble(password, rest[:20]))
            answer = self.read_packet()
        if answer[0] == 0xFF:
            raise self.error_of(answer)

    # Queries.

    def execute(self, sql):
        """Runs the text; its results as (column names, rows) or None for each statement."""
        self.sequence = 0
        payload = sql if isinstance(sql, bytes) else sql.encode("utf-8")
        self.send_packet(b"\x03" + payload)
        results, more = [], True
        while more:
            result, more = self.read_result()
            results.append(result)
        return results

    def query(self, sql):
        """Rows of the last statement of the text that has any, else an empty list."""
        rows = []
        for result in self.execute(sql):
            if result is not None:
                rows = result[1]
        return rows

    def value(self, sql):
        """The first value of the first row, or None."""
        rows = self.query(sql)
        return rows[0][0] if rows else None

    def read_result(self):
        head = self.read_packet()
        if head[0] == 0xFF:
            raise self.error_of(head)
        if head[0] == 0x00:
            self.affected, at = read_length(head, 1)
            _, at = read_length(head, at)
            return None, bool(struct.unpack_from("<H", head, at)[0] & 8)
        count, _ = read_length(head, 0)
        columns = [self.read_column() for _ in range(count)]
        self.read_packet()
        rows = []
        while True:
            packet = self.read_packet()
            if packet[0] == 0xFF:
                raise self.error_of(packet)
            if packet[0] == 0xFE and len(packet) < 9:
                status = struct.unpack_from("<H", packet, 3)[0]
                return ([name for name, _ in columns], rows), bool(status & 8)
            rows.append(self.read_row(packet, columns))

    def read_column(self):
        packet, at, parts = self.read_packet(), 0, []
        for _ in range(6):
            length, at = read_length(packet, at)
            parts.append(packet[at:at + length])
            at += length
        charset = struct.unpack_from("<H", packet, at + 1)[0]
        return parts[4].decode("utf-8", "replace"), charset

    @staticmethod
    def read_row(packet, columns):
        row, at = [], 0
        for _, charset in columns:
            length, at = read_length(packet, at)
            if length is None:
                row.append(None)
                continue
            raw = packet[at:at + length]
            at += length
            try:
                row.append(raw.decode("utf-8"))
            except UnicodeDecodeError:
                row.append(raw)
        return tuple(row)

    def close(self):
        try:
            self.sequence = 0
            self.send_packet(b"\x01")
        except OSError:
            pass
        self.input.close()
        self.stream.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()
