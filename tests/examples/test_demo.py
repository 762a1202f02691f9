"""scripts/demo, as a newcomer runs it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_starts_answers_and_stops():
    demo = subprocess.run([ROOT / "scripts" / "demo", "--check"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "The demo works." in demo.stdout
