"""Contract 8, 3.4 and 4.1: the $disconnects of nodes that are killed, frozen or drained."""

import time

import pytest
from support.audit import check_disconnects, of_dead_node
from support.backend import answer, hang
from support.cluster import TAKEN_OVER
from support.promise import promise
from support.sockhook import ROUTES
from support.waiting import eventually, never


def ending(request):
    return request["ce-closecode"], request["ce-closereason"], request["ce-closedby"]


def source(node):
    return f"/nodes/{node.config['node']['id']}/endpoints/chat"


def wait_ends(backend, count):
    ends = backend.wait(count, TAKEN_OVER, type="disconnect")
    assert len(ends) == count, ends
    return ends


def records(redis):
    """The connection ids of all records."""
    with redis.client() as client:
        return {
            field.decode() if isinstance(field, bytes) else field
            for key in redis.keys("sockhook:*:c:*")
            for field in client("HKEYS", key)
        }


@pytest.mark.slow
@promise("8", "When it runs out, one survivor, or the next node to start, takes over")
def test_a_survivor_sends_the_disconnects_of_a_killed_node(cluster, crowd, backend):
    first, second = cluster(2)
    lost = [crowd.join(first, user="ann") for _ in range(20)]
    stays = crowd.join(second)
    first.kill()
    for end in wait_ends(backend, len(lost)):
        assert of_dead_node(end)
        assert end["ce-source"] == source(first)
        assert end["ce-userid"] == "ann"
        assert end["ce-endpoint"] == "chat"
        assert end["x-forwarded-for"] == "127.0.0.1"
        connect = backend.one(type="connect", connection=end["ce-connectionid"])
        assert end["traceparent"].split("-")[1] == connect["traceparent"].split("-")[1]
    check_disconnects(backend, still_open=[stays])


@pytest.mark.slow
@promise("8", "When it runs out, one survivor, or the next node to start, takes over")
def test_the_next_node_to_start_takes_over(cluster, crowd, backend, redis):
    (first,) = cluster(1)
    member = crowd.join(first)
    first.kill()
    cluster.nodes.clear()
    cluster.add()
    (end,) = wait_ends(backend, 1)
    assert end["ce-id"] == f"{member.id}-end"
    eventually(lambda: not records(redis), what="the record is erased")


@pytest.mark.slow
@promise("4.1", "On a disconnect sent by another node, user and state are those set at least 1 s")
def test_what_was_set_before_the_death_is_told(cluster, backend):
    first, _ = cluster(2)
    backend.on("/connect", answer(200, headers=[("Sockhook-User", "ann"), ("Sockhook-State", "1")]))
    backend.on("/message", answer(204, headers=[("Sockhook-State", "2")]))
    first.connect()
    talks = first.connect()
    talks.text("go on")
    backend.wait(type="message")
    time.sleep(1)
    first.kill()
    states = {end["ce-connectionid"]: end["sockhook-state"] for end in wait_ends(backend, 2)}
    silent, talking = (request["ce-connectionid"] for request in backend.seen(type="connect"))
    assert states == {silent: "1", talking: "2"}
    assert {end["ce-userid"] for end in backend.seen(type="disconnect")} == {"ann"}


@pytest.mark.slow
@promise("3.4", "Sent exactly once in normal running and **at least once always**")
def test_an_end_that_waits_for_the_backend_survives_its_node(cluster, backend):
    first, second = cluster(2)
    backend.on("/disconnect", answer(500))
    client = first.connect()
    client.send_close(4001, b"bye")
    (tried,) = backend.wait(type="disconnect")[:1]
    time.sleep(0.5)
    first.kill()
    backend.on("/disconnect", answer(204))
    before = len(backend.seen(type="disconnect"))
    end = backend.wait(before + 1, TAKEN_OVER, type="disconnect")[-1]
    assert ending(end) == ("4001", "bye", "client")
    assert end["ce-time"] == tried["ce-time"]
    eventually(lambda: not second.metric("sockhook_disconnect_backlog"))


@pytest.mark.slow
@promise("8", "The record that makes `$disconnect` survive a kill is written before `$connect` is")
def test_a_node_that_dies_while_connect_runs_owes_a_disconnect(cluster, backend):
    first, _ = cluster(2)
    backend.on("/connect", hang())
    first.begin()
    connect = backend.one(type="connect")
    first.kill()
    (end,) = wait_ends(backend, 1)
    assert end["ce-connectionid"] == connect["ce-connectionid"]


@pytest.mark.slow
@promise("8", "When it runs out, one survivor, or the next node to start, takes over")
def test_a_connection_that_nobody_was_asked_for_ends_too(cluster, backend):
    routes = {key: path for key, path in ROUTES.items() if key != "$connect"}
    first, _ = cluster(2, routes=routes)
    first.connect()
    time.sleep(0.3)
    first.kill()
    (end,) = wait_ends(backend, 1)
    assert of_dead_node(end)


@promise("8", "The record that makes `$disconnect` survive a kill is written before `$connect` is")
def test_a_record_goes_with_the_disconnect(cluster, backend, redis):
    (node,) = cluster(1)
    backend.on("/connect", answer(403))
    node.refused()
    backend.on("/connect", answer(200))
    client = node.connect()
    assert records(redis) == {backend.newest()}
    client.send_close(1000)
    backend.one(type="disconnect")
    eventually(lambda: not records(redis), what="the record is erased")


@promise("8", "otherwise the connection is accepted without it: the one documented exception.")
def test_a_silent_redis_delays_a_connect_by_little(cluster, backend, redis):
    (node,) = cluster(1)
    redis.freeze()
    try:
        started = time.monotonic()
        node.connect()
        assert 0.2 < time.monotonic() - started < 0.9
    finally:
        redis.thaw()
    eventually(lambda: records(redis) == {backend.newest()}, what="the record is written later")


@pytest.mark.slow
@promise("8", "A node that finds its lease lost (frozen, partitioned) closes all its connections")
def test_a_frozen_node_wakes_up_as_another(cluster, crowd, backend):
    first, second = cluster(2)
    lost = [crowd.join(first, groups=["red"]) for _ in range(10)]
    stays = crowd.join(second, groups=["red"])
    old_ends = len(lost)
    first.freeze()
    wait_ends(backend, old_ends)
    for member in lost:
        member.say()
    first.thaw()
    eventually(lambda: all(m.closed or m.ended for m in lost), what="all are closed")
    assert {member.closed for member in lost} == {(1012, "node lost")}
    cluster.settle()
    again = crowd.join(first, groups=["red"])
    assert again.id[:8] not in {member.id[:8] for member in lost}
    never(lambda: len(backend.seen(type="disconnect")) > old_ends, 1)
    assert not backend.seen(type="message"), "a webhook of a node that was dead"
    send = second.manage("POST", "/v1/groups/red/messages", b"hello")
    assert send.json() == {"delivered": 2, "failed": 0, "unknown": []}
    eventually(lambda: again.frames == ["hello"] and stays.frames == ["hello"])
    check_disconnects(backend, still_open=[stays, again])


@pytest.mark.slow
@promise("9", "done by `drain.period` + 5 s is handed to the backplane.")
def test_what_a_drain_leaves_is_handed_over(cluster, backend):
    first, second = cluster(2, disconnect_retry="1h")
    backend.on("/disconnect", answer(500))
    client = first.connect()
    client.send_close(4001, b"bye")
    tried = backend.wait(type="disconnect")[0]
    assert first.terminate(20) == 0
    assert first.log(msg="$disconnect handed over")
    before = len(backend.seen(type="disconnect"))
    backend.on("/disconnect", answer(204))
    end = backend.wait(before + 1, TAKEN_OVER, type="disconnect")[-1]
    assert end["ce-id"] == tried["ce-id"]
    assert end["ce-time"] == tried["ce-time"]
    assert ending(end) == ("4001", "bye", "client")
    assert end["ce-source"] == source(first)
    eventually(lambda: not second.metric("sockhook_disconnect_backlog"))
