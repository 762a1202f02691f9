"""Contract 9 under load: every node is replaced while thousands of clients talk, listen and come
back. restart_load keeps the ledger; `failures` in it are broken promises of docs/drain.md."""

import pytest
from rolling import PLACES, largest_share
from support.promise import promise

# An even spread has a tenth in each tenth of the period; a busy machine may hold some up.
EVEN = 0.3
# The longest back-off of the clients.
PATIENCE_MS = 5000
# Pushes that cross a node's leaving: it could not be asked (503), or did not answer (504), or it
# was the one that was asked, and its connection ended. Nobody is told 200.
UNANSWERED = 0.01
# Clients that were sent to a node in the moment in which it closed its listener, since the balancer
# looked too late, and came back once more.
SENT_BACK = 0.01


@promise("9", "open sockets are closed with 1012 `service restart`, evenly spread with jitter over")
@pytest.mark.slow
def test_a_rolling_restart_loses_nothing(fleet, load):
    load.start()
    for place in range(PLACES):
        fleet.replace(place)
    report = load.report()
    closes = report.pop("closes")
    slowest_at = report.pop("longest_wait_at_ms") / 1000
    print(report)
    print(
        "the slowest connect ended so many seconds after the closes of each node began:",
        [f"{slowest_at - begins:.1f}" for begins, _ in fleet.drains],
    )
    for begins, ended in fleet.drains:
        assert ended - begins < fleet.period + 5, "too busy a machine: something was given up"
    assert report["failures"] == {}
    assert {code for _, code in closes} == {1012}
    pushes = report["pushes"]
    unanswered = sum(pushes.pop(status, 0) for status in ("0", "503", "504"))
    assert set(pushes) <= {"200", "410"}, pushes
    assert unanswered <= UNANSWERED * sum(pushes.values())
    assert pushes["200"] > 100 and report["messages"] > 1000, "there was little traffic"
    assert sum(report["refusals"].values()) <= SENT_BACK * load.clients, report["refusals"]
    assert report["most_attempts"] <= 2
    assert report["longest_wait_ms"] < PATIENCE_MS
    shares = []
    for begins, ended in fleet.drains:
        times = [at / 1000 for at, _ in closes if begins - 1 < at / 1000 < ended]
        assert len(times) > load.clients / PLACES / 4, "few were on that node"
        shares.append(largest_share(times, begins, fleet.period))
    print("the largest share of closes in a tenth of the period:", [f"{s:.3f}" for s in shares])
    assert max(shares) < EVEN
