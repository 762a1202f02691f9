"""The handler of batches, which writes readings into a table."""

import json
import sqlite3

from support.waiting import eventually

SENSORS = 30
READINGS = 20


def rows(example):
    with sqlite3.connect(example.directory / "table.db") as table:
        return table.execute("SELECT count(*), count(DISTINCT sensor), sum(celsius) FROM readings").fetchone()


def test_readings_of_many_sensors_are_written_in_batches(run_example):
    example = run_example("batches-python", "/usr/bin/python3", "app.py")
    sensors = [example.node.connect("/readings") for _ in range(SENSORS)]
    for _ in range(READINGS):
        for sensor in sensors:
            sensor.json({"celsius": 0.5})
    written = (SENSORS * READINGS, SENSORS, SENSORS * READINGS * 0.5)
    eventually(lambda: rows(example) == written, 20)
    requests = example.node.metric("sockhook_webhook_batches_total")
    assert requests < SENSORS * READINGS, "some travelled together"


def test_what_is_no_reading_is_refused_alone(run_example):
    example = run_example("batches-python", "/usr/bin/python3", "app.py")
    good, bad = example.node.connect("/readings"), example.node.connect("/readings")
    for nonsense in (b"hello", b"[]", json.dumps({"celsius": "hot"}).encode(), b'["\\ud800"]'):
        bad.text(nonsense)
        good.json({"celsius": 1})
        assert bad.read_text() == "no reading"
    eventually(lambda: rows(example)[0] == 4)
