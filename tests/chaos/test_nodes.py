"""Chaos: nodes die, freeze, are cut off, and restart, under traffic."""

import random
import threading
import time

from support.audit import of_dead_node
from support.client import Refused
from support.cluster import LEASE, TAKEN_OVER, backplane_of, group_count
from support.load import GROUPS
from support.promise import promise
from support.waiting import eventually
from support.wire import Ended


@promise("8", "When it runs out, one survivor, or the next node to start, takes over the dead")
def test_killed(storm, backend):
    """One after the other, until none of the first three is left."""
    for node in storm.begin():
        node.kill()
        storm.rage(0.5)
        storm.add()
        storm.wait_healed(TAKEN_OVER)
        storm.load.members += [storm.crowd.join(storm.cluster.alive[-1], ["g0"]) for _ in range(4)]
    assert any(of_dead_node(request) for request in backend.seen(type="disconnect"))
    storm.audit()


def test_all_killed_at_once(storm):
    """Nobody is left to take over but those that come next."""
    nodes = storm.begin()
    for node in nodes:
        node.process.kill()
    for node in nodes:
        node.kill()
    storm.add()
    storm.add()
    storm.load.members += [storm.crowd.join(storm.cluster.alive[n % 2], ["g0"]) for n in range(8)]
    storm.rage(1)
    storm.audit(presence_within=TAKEN_OVER + LEASE)


@promise("8", "A node that finds its lease lost (frozen, partitioned) closes all its connections")
def test_frozen_beyond_the_lease(storm, backend):
    nodes = storm.begin()
    frozen = nodes[0]
    lost = storm.members_of(frozen)
    storm.load.frozen.add(frozen)
    frozen.freeze()
    ended_by_survivors = len(
        eventually(lambda: ends_of(backend, lost) if ends_of(backend, lost) else None, TAKEN_OVER)
    )
    assert ended_by_survivors
    eventually(lambda: len(ends_of(backend, lost)) == len(lost), 5)
    storm.rage(1)
    frozen.thaw()
    eventually(lambda: all(member.ended for member in lost), 5)
    assert {member.closed for member in lost} == {(1012, "node lost")}
    storm.cluster.settle()
    storm.load.frozen.clear()
    storm.load.members += [storm.crowd.join(frozen, ["g0"]) for _ in range(4)]
    storm.wait_healed()
    storm.rage(1)
    storm.audit(forgotten=[frozen])


def ends_of(backend, members):
    ids = {member.id for member in members}
    return [r for r in backend.seen(type="disconnect") if r["ce-connectionid"] in ids]


def test_frozen_for_a_moment(storm):
    """Shorter than the lease: nobody may notice more than a delay."""
    nodes = storm.begin()
    for node in nodes:
        storm.load.frozen.add(node)
        node.freeze()
        time.sleep(LEASE / 4)
        node.thaw()
        storm.load.frozen.clear()
    storm.wait_healed()
    assert all(not member.ended for member in storm.load.members)
    storm.audit()


def test_a_frozen_node_delays_nobody_else(storm):
    """Calls about the other two are as quick as ever, while others wait for the frozen one."""
    near, far, frozen = storm.begin(config={"backplane": {"redis": {"lease": "30s"}}})
    here, there = storm.crowd.join(near, ["two"], "two"), storm.crowd.join(far, ["two"], "two")
    lost = storm.members_of(frozen)[0]
    eventually(lambda: group_count(near, "two") == 2, 2)
    storm.load.frozen.add(frozen)
    frozen.freeze()
    waiting = [
        threading.Thread(target=near.push, args=(lost.id, "waits")) for _ in range(20)
    ]
    for thread in waiting:
        thread.start()
    slowest = 0.0
    end = time.monotonic() + 4
    while time.monotonic() < end:
        for node in (near, far):
            for method, path in [
                ("POST", f"/v1/connections/{here.id}/messages"),
                ("POST", f"/v1/connections/{there.id}/messages"),
                ("POST", "/v1/groups/two/messages"),
                ("POST", "/v1/users/two/messages"),
                ("GET", f"/v1/connections/{there.id}"),
                ("GET", "/v1/groups/two"),
                ("GET", "/v1/users/two"),
            ]:
                began = time.monotonic()
                assert node.manage(method, path, "x").status == 200
                slowest = max(slowest, time.monotonic() - began)
    frozen.thaw()
    for thread in waiting:
        thread.join()
    assert slowest < 0.5, f"{slowest:.2f} s"
    storm.load.frozen.clear()
    storm.crowd.sync()
    for member in (here, there):
        member.frames[:] = [text for text in member.frames if text != "x"]
    lost.frames[:] = [text for text in lost.frames if text != "waits"]
    storm.audit()


@promise("8", "A node that is cut off from Redis cannot know that others have declared it dead:")
def test_partitioned_beyond_the_lease(storm):
    nodes = storm.begin(relayed=True)
    cut = nodes[0]
    lost = storm.members_of(cut)
    storm.load.cut_off.add(cut)
    time.sleep(0.5)
    cut.relay.hold()
    time.sleep(LEASE + 3)
    cut.relay.heal()
    eventually(lambda: all(member.ended for member in lost), 5)
    assert {member.closed for member in lost} == {(1012, "node lost")}
    storm.cluster.settle()
    storm.load.cut_off.clear()
    storm.load.members += [storm.crowd.join(cut, ["g0"]) for _ in range(4)]
    storm.wait_healed()
    storm.audit(forgotten=[cut], duplicates=True, after_end=True)


def test_clean_restart(storm):
    nodes = storm.begin(config={"drain": {"delay": "100ms", "period": "300ms"}})
    name = nodes[0].config["node"]["id"]
    assert nodes[0].terminate() == 0
    storm.how["config"]["node"] = {"id": name}
    storm.add()
    storm.load.members += [storm.crowd.join(storm.cluster.nodes[-1], ["g0"]) for _ in range(8)]
    storm.wait_healed()
    storm.audit()


def test_rolling_restart(storm, backend):
    nodes = storm.begin(config={"drain": {"delay": "200ms", "period": "500ms"}})
    for node in nodes:
        storm.load.members += [storm.crowd.join(storm.add(), ["g0"]) for _ in range(1)]
        assert node.terminate() == 0
        storm.rage(0.5)
    storm.wait_healed()
    assert not any(of_dead_node(request) for request in backend.seen(type="disconnect"))
    storm.audit()


FAULTS = ["kill node", "freeze node", "freeze long", "cut node", "mute node", "kill redis", "flush"]


def test_one_thing_after_another(storm, redis):
    """Whatever the seed says, one fault after the other, each time with an audit at the end."""
    storm.begin(relayed=True)
    rng = random.Random(f"{storm.seed} faults")
    forgotten = set()
    for _ in range(40 if storm.long else 4):
        fault = rng.choice(FAULTS)
        node = rng.choice(storm.cluster.alive)
        print(f"{time.monotonic():.1f} {fault} {node.config['node']['id']}")
        inflict(storm, redis, fault, node)
        if fault in ("freeze long", "cut node", "mute node"):
            forgotten.add(node)
        storm.wait_healed(TAKEN_OVER + LEASE)
        refill(storm)
    storm.audit(forgotten, duplicates=True, after_end=True)


def inflict(storm, redis, fault, node):
    """One fault, until it is over."""
    if fault == "kill node":
        node.kill()
        storm.add()
    elif fault.startswith("freeze"):
        storm.load.frozen.add(node)
        node.freeze()
        time.sleep(LEASE / 3 if fault == "freeze node" else LEASE * 2)
        node.thaw()
        eventually(lambda: backplane_of(node) == "up", 10)
        storm.load.frozen.clear()
    elif fault.endswith("node"):
        storm.load.cut_off.add(node)
        time.sleep(0.5)
        node.relay.down() if fault == "cut node" else node.relay.swallow()
        storm.rage(LEASE + 1)
        node.relay.heal()
        eventually(lambda: backplane_of(node) == "up", 10)
        storm.load.cut_off.clear()
    elif fault == "kill redis":
        redis.kill()
        storm.rage(1)
        redis.start()
    else:
        redis.flush()


def refill(storm):
    """Members for those that were lost."""
    for node in storm.cluster.alive:
        for _ in range(max(0, 6 - len(storm.crowd.of(node)))):
            try:
                member = storm.crowd.join(node, storm.rng.sample(GROUPS, 2))
            except (OSError, Ended, Refused):
                continue
            storm.load.members.append(member)
