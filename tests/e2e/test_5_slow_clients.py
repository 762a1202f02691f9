"""The limits of section 2: what waits for a client, and clients that do not read."""

from support.backend import answer
from support.promise import promise
from support.waiting import eventually

SIZE = 32768


def stuff(node, connection, most=2000):
    """Pushes until one does not fit: its response, and the number of pushes before it."""
    for number in range(most):
        response = node.push(connection, f"{number:06}" + "x" * (SIZE - 6))
        if response.status != 200:
            return response, number
    raise AssertionError("everything fits")


@promise("2", "what waits behind the message being written; an empty queue takes any one message")
def test_an_empty_queue_takes_any_one_message(start, backend):
    node = start(limits={"send_queue": "1KiB", "message_size": "4MiB"})
    client = node.connect(receive_buffer=4096)
    assert node.push(backend.newest(), "x" * (4 << 20)).status == 200
    assert len(client.read_text()) == 4 << 20


@promise("2", 'close (1008 "slow client") | drop')
def test_a_slow_client_is_closed(start, backend):
    node = start(limits={"send_queue": "64KiB"})
    client = node.connect(receive_buffer=4096)
    connection = backend.newest()
    response, count = stuff(node, connection)
    assert (response.status, response.json()["code"]) == (429, "slow_client")
    assert node.push(connection, "x").status == 410
    assert node.metric("sockhook_slow_clients_total") == 1
    got = [client.read() for _ in range(count)]
    assert [int(f.payload[:6]) for f in got] == list(
        range(count)
    ), "what was accepted is delivered, in order"
    assert client.read_close() == (1008, "slow client")
    assert backend.ending(connection) == (1008, "slow%20client", "proxy")


@promise("2", 'close (1008 "slow client") | drop')
def test_a_slow_client_that_never_reads_is_cut_off(start, backend):
    node = start(limits={"send_queue": "64KiB"})
    client = node.connect(receive_buffer=4096)
    connection = backend.newest()
    stuff(node, connection)
    assert backend.ending(connection) == (1008, "slow%20client", "proxy")
    eventually(lambda: node.metric("sockhook_connections") == 0, 12)
    client.close()


@promise("2", 'close (1008 "slow client") | drop')
def test_for_a_slow_client_messages_may_be_dropped(start, backend):
    node = start(limits={"send_queue": "64KiB", "slow_client": "drop"})
    client = node.connect(receive_buffer=4096)
    connection = backend.newest()
    response, count = stuff(node, connection)
    assert response.status == 429
    assert node.push(connection, "y" * SIZE).status == 429
    got = [client.read_text() for _ in range(count)]
    assert [int(text[:6]) for text in got] == list(range(count))
    eventually(lambda: node.push(connection, "after").status == 200)
    assert client.read_text() == "after"


@promise("2", 'close (1008 "slow client") | drop')
def test_a_slow_client_of_a_group_does_not_hold_up_the_others(start, backend):
    node = start(limits={"send_queue": "64KiB"})
    backend.on("/connect", answer(200, headers={"Sockhook-Join": "g"}))
    slow, quick = node.connect(receive_buffer=4096), node.connect()
    for number in range(2000):
        result = node.manage("POST", "/v1/groups/g/messages", "x" * SIZE).json()
        assert len(quick.read_text()) == SIZE
        if result["failed"]:
            assert (result["delivered"], result["failed"]) == (1, 1)
            break
    assert node.manage("POST", "/v1/groups/g/messages", "x").json()["delivered"] == 1
    slow.close()


@promise("2", 'close (1008 "slow client") | drop')
def test_answers_of_webhooks_count_for_the_queue_too(start, backend):
    node = start(limits={"send_queue": "64KiB"}, in_flight=4)
    backend.on("/message", answer(200, "x" * SIZE))
    client = node.connect(receive_buffer=4096)
    connection = backend.newest()
    try:
        for _ in range(2000):
            client.text("more")
            if backend.seen(type="disconnect"):
                break
    except OSError:
        pass
    assert backend.ending(connection)[::2] == (1008, "proxy")
