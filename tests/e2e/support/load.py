"""Traffic over a cluster, seeded: members that talk, publishers that push to groups, users,
connections and everybody through any node, and others that come and go meanwhile."""

import random
import threading
import time
from dataclasses import dataclass

from .client import Refused
from .http1 import HttpConnection
from .sockhook import endpoint
from .wire import Ended

GROUPS = [f"g{n}" for n in range(4)]
USERS = [f"u{n}" for n in range(6)]
PUSH_TIMEOUT = 8
ENDPOINTS = {"endpoints": [endpoint(), endpoint("come", "/come")]}


@dataclass
class Push:
    """One push, and what was answered."""

    body: str
    kind: str
    path: str
    node: object
    status: int = 0  # 0: the connection broke before an answer came
    answer: dict = None
    took: float = 0.0
    target: object = None  # the member, of a push to a connection
    was_open: bool = False  # although its connection was called gone

    def check(self, received, forgotten):
        """Whether the answer was true, given how many clients got the frame. `forgotten`: nodes
        that were taken for dead although their sockets were open."""
        told = f"{self.path} {self.body}: {self.status} {self.answer}, {received} got it"
        if self.status == 200 and self.kind == "connection":
            assert received == 1, told
        elif self.status == 200:
            delivered = self.answer["delivered"]
            if self.answer["unknown"]:
                assert received >= delivered, told
            else:
                assert received == delivered, told
        elif self.status == 410:
            assert received == 0, told
            assert not self.was_open or self.target.node in forgotten, f"gone, but open: {told}"
        elif self.status == 503:
            assert received == 0 or self.kind != "connection", told
        else:
            assert self.status in (0, 504), told


class Publisher(threading.Thread):
    """Pushes one after another on one management connection; on a fresh one as somebody else."""

    def __init__(self, load, name):
        super().__init__(daemon=True)
        self.load, self.name_ = load, name
        self.rng = random.Random(f"{load.seed} {name}")
        self.life = 0
        self.wire = None
        self.node = None
        self.numbers = {}
        self.pushes = []

    def run(self):
        while not self.load.stopped.wait(self.load.pause * self.rng.uniform(0.5, 1.5)):
            self.push()
        if self.wire:
            self.wire.close()

    def push(self):
        if not self.wire and not self.connect():
            return
        kind, path, target = self.choose()
        stream = f"{self.name_}.{self.life}:{path}"
        number = self.numbers[stream] = self.numbers.get(stream, -1) + 1
        push = Push(f"{stream}:{number}", kind, path, self.node, target=target)
        self.pushes.append(push)
        started = time.monotonic()
        try:
            response = self.wire.request(
                "POST", path, push.body, headers=[("Content-Type", "text/plain")]
            )
            push.status = response.status
            push.answer = response.json() if response.body else {}
            push.was_open = push.status == 410 and not target.ends_within(0.5)
        except (OSError, Ended):
            self.wire.close()
            self.wire = None
        push.took = time.monotonic() - started

    def connect(self):
        nodes = self.load.nodes_for_pushes()
        if not nodes:
            return False
        self.life += 1
        self.node = self.rng.choice(nodes)
        try:
            self.wire = HttpConnection.to(self.node.management, PUSH_TIMEOUT)
            return True
        except OSError:
            return False

    def choose(self):
        dice = self.rng.random()
        if dice < 0.45:
            return "group", f"/v1/groups/{self.rng.choice(GROUPS)}/messages", None
        if dice < 0.6:
            return "user", f"/v1/users/{self.rng.choice(USERS)}/messages", None
        if dice < 0.65:
            return "all", "/v1/messages?endpoint=chat", None
        member = self.rng.choice(self.load.members)
        return "connection", f"/v1/connections/{member.id}/messages", member


class Load:
    """`with Load(...)`: runs until the block's end; then its pushes can be judged."""

    def __init__(self, cluster, crowd, seed, members=24, publishers=2, pause=0.01, comers=True):
        self.cluster, self.crowd, self.seed = cluster, crowd, seed
        self.rng = random.Random(f"{seed} load")
        self.pause = pause
        self.stopped = threading.Event()
        self.members = []
        self.frozen = set()  # nodes that nobody is to ask just now
        self.cut_off = set()  # nodes whose new clients would have no record
        for number in range(members):
            groups = self.rng.sample(GROUPS, self.rng.randint(1, 3))
            node = cluster.nodes[number % len(cluster.nodes)]
            self.members.append(crowd.join(node, groups, USERS[number % len(USERS)]))
        self.publishers = [Publisher(self, f"p{n}") for n in range(publishers)]
        self.threads = [threading.Thread(target=self.talk, daemon=True), *self.publishers]
        if comers:
            self.threads.append(threading.Thread(target=self.come_and_go, daemon=True))

    @property
    def pushes(self):
        return [push for publisher in self.publishers for push in publisher.pushes]

    def nodes_for_pushes(self):
        return [node for node in self.cluster.alive if node not in self.frozen]

    def talk(self):
        rng = random.Random(f"{self.seed} talk")
        while not self.stopped.wait(self.pause * rng.uniform(0.5, 1.5)):
            rng.choice(self.members).say()

    def come_and_go(self):
        """Members of an endpoint and a group of their own, which nobody pushes to."""
        rng = random.Random(f"{self.seed} come")
        comers = []
        while not self.stopped.wait(self.pause * 3 * rng.uniform(0.5, 1.5)):
            if len(comers) > 8 or (comers and rng.random() < 0.4):
                comer = comers.pop(rng.randrange(len(comers)))
                if comer.node not in self.frozen and not comer.ended:
                    self.part(comer, rng)
            else:
                nodes = [node for node in self.nodes_for_pushes() if node not in self.cut_off]
                try:
                    comers.append(self.crowd.join(rng.choice(nodes), ["comers"], "comer", "/come"))
                except (OSError, Ended, Refused, IndexError):
                    pass  # its node went down

    def part(self, comer, rng):
        try:
            comer.leave() if rng.random() < 0.5 else comer.reset()
        except (OSError, AssertionError):
            assert comer.ended or comer.node.process.poll() is not None

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)
