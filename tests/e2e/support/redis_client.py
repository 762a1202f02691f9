"""A Redis client of thirty lines (RESP2), for what tests ask of a server themselves."""

from .wire import Wire


class RedisError(Exception):
    """An error that the server answered with."""


class RedisClient(Wire):
    """`client("SET", "k", "v")` returns the reply: bytes, int, None or a list of them."""

    def __call__(self, *command):
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
        self.send(
            b"*%d\r\n" % len(parts)
            + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        )
        return self.reply()

    def reply(self):
        line = self.read_until(b"\r\n")[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.read_exactly(int(rest) + 2)[:-2]
        assert kind == b"*", line
        return None if rest == b"-1" else [self.reply_or_error() for _ in range(int(rest))]

    def reply_or_error(self):
        try:
            return self.reply()
        except RedisError as error:
            return error

    def scan(self, pattern="*"):
        """All keys that match."""
        cursor, keys = b"0", set()
        while True:
            cursor, found = self("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            keys.update(found)
            if cursor == b"0":
                return sorted(keys)
