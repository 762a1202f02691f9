"""Clients that are in, and misbehave."""

import pytest


@pytest.mark.parametrize(
    "attack, memory",
    [
        ("slow_frames", 20),
        ("claims", 20),
        ("single_bytes", 20),
        ("tiny_fragments", 30),
        ("pings", 20),
        ("pings_unread", 20),
        ("pings_unread_dropping", 20),
        ("messages", 20),
        ("messages_over_the_rate", 20),
        ("forbidden_messages", 20),
        ("large_messages", 40),
        ("never_read", 40),
        ("never_read_dropping", 40),
        ("bombs", 30),
        ("small_bombs", 40),
        ("rejected_bombs", 40),
        ("rejected_deflated", 20),
        ("frozen_peers", 20),
        ("reset_storm", 20),
    ],
)
def test_frames(arena, attack, memory):
    arena.endure(attack, memory)


def test_half_messages(arena):
    """60 times 1,000 KiB have come, and have to be kept: not twice that."""
    arena.endure("half_messages", memory=110, kept=80)
