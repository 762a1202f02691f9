"""What must be true after everything: one $disconnect for each $connect, order kept, counts
truthful, nobody counted who has gone, every Redis key with an end, memory back to its base."""

import collections
import re
import threading

from .cluster import group_count, listed, user_connections
from .redis_client import RedisError
from .sockhook import SLOWED
from .waiting import eventually
from .wire import Ended

# Atomically, so that no key is judged between two commands that make it.
WITHOUT_TTL = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('PTTL', key) == -1 then table.insert(found, key) end
end
return found"""


def without_ttl(redis):
    """The keys that would stay for ever; None while Redis cannot be asked."""
    found = []
    try:
        for client in redis.databases():
            with client:
                found += client("EVAL", WITHOUT_TTL, 0)
    except (OSError, RedisError, Ended):
        return None
    return found


class KeyWatch:
    """Looks at all keys again and again while a test runs."""

    def __init__(self, redis, pause=0.05):
        self.redis, self.pause = redis, pause
        self.looks = 0
        self.found = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(self.pause):
            self._look()

    def _look(self):
        found = without_ttl(self.redis)
        if found is not None:
            self.looks += 1
            self.found.update(found)

    def check(self):
        self._stop.set()
        self._thread.join(10)
        self._look()  # the first of a test that is over sooner than the pause
        assert self.looks, "the watch never saw Redis"
        assert not self.found, f"keys without a TTL: {sorted(self.found)[:20]}"


# The backend's view


def check_disconnects(backend, within=15, duplicates=False, still_open=(), since=0):
    """One $disconnect for each accepted $connect, those of `still_open` members aside.

    `duplicates`: the scenario may make the same event arrive twice (it has the same id).
    `since`: so many came before, and were answered with an error."""
    staying = {member.id for member in still_open}
    owed = {request["ce-connectionid"] for request in backend.seen(type="connect")} - staying

    def arrived():
        return backend.seen(type="disconnect")[since:]

    def missing():
        return owed - {request["ce-connectionid"] for request in arrived()}

    try:
        eventually(lambda: not missing(), within)
    except AssertionError:
        raise AssertionError(f"no $disconnect within {within} s for {missing()}") from None
    ends = collections.Counter()
    for request in arrived():
        connection = request["ce-connectionid"]
        assert request["ce-id"] == f"{connection}-end", request["ce-id"]
        ends[connection] += 1
    assert not set(ends) - owed, f"a $disconnect of connections that are open: {set(ends) - owed}"
    twice = {connection: count for connection, count in ends.items() if count > 1}
    assert duplicates or not twice, f"more than one $disconnect: {twice}"


def check_messages(backend, members, after_end=False, all_arrive=True):
    """What a member said arrived in order, once, numbered from 1; `all_arrive`: all of it, of
    those that are still open. `after_end`: messages behind the $disconnect are allowed."""
    expected = {m.id: m.sent for m in members if all_arrive and not m.ended}

    def have_arrived():
        counts = collections.Counter(r["ce-connectionid"] for r in backend.seen(type="message"))
        return all(counts[id] >= sent for id, sent in expected.items())

    eventually(have_arrived, what="messages arrive")
    by_connection = collections.defaultdict(list)
    ended = set()
    late = set()
    for request in backend.seen():
        connection, kind = request["ce-connectionid"], request["ce-type"]
        if kind == "io.sockhook.message":
            by_connection[connection].append(request)
            if connection in ended:
                late.add(connection)
        elif kind == "io.sockhook.disconnect":
            ended.add(connection)
    assert after_end or not late, f"messages after the $disconnect of {late}"
    for member in members:
        got = by_connection.get(member.id, [])
        assert [r.body.decode() for r in got] == [f"{member.id} {n}" for n in range(len(got))]
        assert [r["ce-id"] for r in got] == [f"{member.id}-{n + 1}" for n in range(len(got))]
        if all_arrive and not member.ended:
            assert len(got) == member.sent, f"{member.sent} sent, {len(got)} arrived"


# The publishers' view


def check_pushes(pushes, members, forgotten=()):
    """Counts are what clients got, nobody got a frame twice, each publisher's order is kept.

    `forgotten`: nodes that were taken for dead although their sockets were open."""
    receivers = collections.Counter()
    for member in members:
        assert len(set(member.frames)) == len(member.frames), f"{member.id} got a frame twice"
        receivers.update(member.frames)
        check_order(member)
    assert not set(receivers) - {push.body for push in pushes}
    for push in pushes:
        push.check(receivers[push.body], forgotten)


def check_order(member):
    """A body is "publisher:target:number"; numbers of one publisher and target only grow."""
    last = {}
    for text in member.frames:
        stream, _, number = text.rpartition(":")
        assert int(number) > last.get(stream, -1), f"{member.id} got {text} after {last[stream]}"
        last[stream] = int(number)


# Every node's view


def check_presence(nodes, members, groups, users, within=5):
    """Each node tells of each group and user exactly those that are there, and lists them once."""

    def wrong():
        alive = [member for member in members if not member.ended]
        expected = {group: sum(group in m.groups for m in alive) for group in groups}
        online = {user: sorted(m.id for m in alive if m.user == user) for user in users}
        everybody = sorted(member.id for member in alive)
        for node in nodes:
            for group, count in expected.items():
                if (said := group_count(node, group)) != count:
                    return f"{node.config['node']['id']}: {group} has {count}, it says {said}"
            for user, connections in online.items():
                if (said := user_connections(node, user)) != connections:
                    return f"{node.config['node']['id']}: {user} has {connections}, not {said}"
            try:
                said = sorted(listed(node, timeout=2))
            except (AssertionError, TimeoutError) as refusal:
                return f"{node.config['node']['id']} does not list: {refusal}"
            if said != everybody:
                return f"{node.config['node']['id']} lists {len(said)} of {len(everybody)}"
        return None

    last = []
    try:
        eventually(lambda: not last.append(wrong()) and last[-1] is None, within)
    except AssertionError:
        raise AssertionError(f"not true within {within} s: {last[-1]}") from None


# The operator's view


class Memory:
    """Resident memory of nodes now, to come back to."""

    def __init__(self, nodes):
        self.base = {node: node.rss() for node in nodes}

    def check(self, slack=24 << 20):
        if SLOWED:
            return
        for node, base in self.base.items():
            if node.process.poll() is None:
                grown = node.rss() - base
                assert grown < slack, f"{node.config['node']['id']} grew by {grown >> 20} MiB"


def check_keys_after_end(redis, prefix="sockhook"):
    """With all nodes gone: what is left lies under the prefix, and will go by itself."""
    try:
        left_over = redis.ttls()
    except (OSError, RedisError, Ended):
        return  # the test has ended Redis, too
    for key, left in left_over.items():
        assert key.startswith(prefix + ":"), key
        assert left > 0, f"{key} stays for ever"


def of_dead_node(request):
    """Whether a $disconnect is what a survivor sends for a node that died."""
    return (request["ce-closecode"], request["ce-closereason"], request["ce-closedby"]) == (
        "1006",
        "node%20lost",
        "proxy",
    )


def crash_lines(node):
    """What a log must not contain, whatever happens to Redis."""
    return re.findall(r".*(?:SOCKHOOK_CHECK|check failed|Sanitizer).*", node.errors())
