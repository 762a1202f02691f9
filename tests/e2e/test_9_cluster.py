"""Contract 9 over several nodes: what a drain does not finish, others do."""

import threading
import time

import pytest

from support.audit import check_disconnects, check_messages, check_presence
from support.backend import answer, later
from support.cluster import LEASE, TAKEN_OVER
from support.promise import promise
from support.waiting import eventually, never


@promise("9", "then the last `$disconnect`s are sent and the process exits 0, as soon as nothing")
def test_a_clean_drain_leaves_nothing_to_others(cluster, crowd, backend):
    leaving, staying = cluster(2, {"drain": {"delay": "0s", "period": "500ms"}})
    members = [crowd.join(leaving, ["g"], "ann") for _ in range(20)]
    assert leaving.terminate(3) == 0
    assert {member.closed for member in members} == {(1012, "service restart")}
    check_disconnects(backend, within=0.5)
    check_presence([staying], crowd.members, ["g"], ["ann"], within=1)
    eventually(lambda: staying.metric("sockhook_nodes") == 1, 1)
    for member in members:
        assert staying.push(member.id, "x").status == 410
    time.sleep(1)
    check_disconnects(backend)


@promise("9", "each after its running webhook and queued frames;")
def test_a_rolling_restart_under_traffic(cluster, crowd, backend):
    """Three nodes one after another; pushes to those that stay never fail."""
    nodes = cluster(3, {"drain": {"delay": "100ms", "period": "300ms"}})
    backend.on("/message", later(0.01, answer(204)))
    stop = threading.Event()

    def talk():
        while not stop.is_set():
            for member in crowd.alive:
                member.say()
            time.sleep(0.02)

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        for node in nodes:
            for other in cluster.alive:
                crowd.join(other, ["g"], "ann")
            survivors = [m for m in crowd.alive if m.node is not node]
            node.signal()
            while node.process.poll() is None:
                for member in survivors:
                    via = next(n for n in cluster.alive if n is not node)
                    assert via.push(member.id, f"{time.monotonic()}").status == 200
            assert node.wait_exit() == 0
            cluster.add()
    finally:
        stop.set()
        talker.join()
    check_disconnects(backend, still_open=crowd.alive)
    check_messages(backend, crowd.members)
    check_presence(cluster.alive, crowd.members, ["g"], ["ann"], within=2)


@promise("8", "When it runs out, one survivor, or the next node to start, takes over the dead")
@pytest.mark.slow
def test_a_draining_node_takes_over_nothing_of_the_dead(cluster, crowd, backend):
    """What it began, it would hand over again; the next node to start does it all."""
    leaving, dying = cluster(2, {"drain": {"delay": "60s", "period": "100ms"}})
    for _ in range(5):
        crowd.join(dying, ["g"])
    leaving.signal()
    eventually(lambda: leaving.ask_admin("/readyz").json()["draining"])
    dying.kill()
    never(lambda: backend.seen(type="disconnect"), 2 * LEASE)
    cluster.add()
    check_disconnects(backend, within=TAKEN_OVER + LEASE)
    leaving.signal()  # the second one: at once
    assert leaving.wait_exit(2) == 0
